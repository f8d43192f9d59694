/** Commands that change what was refused, for the log of the operator. */

/** `valetkey application update` for a client. @param options as they are typed */
export function updateCommand(clientId: string, options: string): string {
  return `npx valetkey application update --client-id ${quoted(clientId)} ${options}`;
}

/** A word of a command line, in quotes where a shell would read it differently. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9._:/@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
