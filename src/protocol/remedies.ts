/** Commands that change what was refused, for the log of the operator. */

/** `valetkey application update` for a client. @param options as they are typed */
export function updateCommand(clientId: string, options: string): string {
  return `npx valetkey application update --client-id ${quoted(clientId)} ${options}`;
}

/** Enables a client that is disabled. */
export function enableCommand(clientId: string): string {
  return `npx valetkey application enable --client-id ${quoted(clientId)}`;
}

/** A word of a command line, in quotes where a shell would read it differently. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9._:/@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

const LONGEST_IN_LOG = 600;
/** A secret or token of ours, which somebody put where a name belongs. */
const OURS = /\b(vk[a-z]{2}_)[A-Za-z0-9_-]+/g;

/** One line of a log: no secret of ours, nothing that ends the line or changes a terminal. */
export function forLog(text: string): string {
  const escaped = text
    .replaceAll(OURS, '$1…')
    .replaceAll(
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
      (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
    );
  return escaped.length > LONGEST_IN_LOG ? `${escaped.slice(0, LONGEST_IN_LOG)}…` : escaped;
}
