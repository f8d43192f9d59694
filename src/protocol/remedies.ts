/**
 * What the log of the operator may say of a request: commands that change what was refused, and
 * values that came with it. Anybody can send a request, so a command holds only words that no shell
 * reads differently, and a value is bounded and printable.
 */
import type { ClientKind } from './client-kinds.ts';

/** Words that every shell takes as they are, and that name one value of an option. */
const PLAIN = /^[A-Za-z0-9._:/@+-]+$/;

/** Characters of values in a command: it is not cut in the middle. */
const LONGEST_VALUES = 350;

/** True for words that may stand in a command, all of them. */
function arePlain(words: readonly string[]): boolean {
  return words.every((word) => PLAIN.test(word)) && words.join('').length <= LONGEST_VALUES;
}

/** Names that somebody sent, for a sentence; those that a shell reads differently are left out. */
export function namesForLog(names: readonly string[]): string {
  const plain = names.filter((name) => PLAIN.test(name)).map(nameForLog);
  return plain.join(', ') || 'what is missing';
}

/**
 * `valetkey application update` with an option that gets these values; where one of them is not
 * plain, only the option to change.
 */
export function updateCommand(
  clientId: string,
  option: string,
  values: readonly string[] = [],
): string {
  if (!arePlain([clientId, ...values]))
    return `change ${option} of this application with: npx valetkey application update`;
  const given = values.length === 0 ? option : values.map((one) => `${option} ${one}`).join(' ');
  return `npx valetkey application update --client-id ${clientId} ${given}`;
}

/**
 * `valetkey application create`, where a client needs other credentials than it has. The operator
 * writes a name.
 */
export function createCommand(kind: ClientKind, redirectUris: readonly string[] = []): string {
  const uris = arePlain(redirectUris) ? redirectUris : [];
  const given = uris.map((uri) => ` --redirect-uri ${uri}`).join('');
  return `npx valetkey application create --name NAME --kind ${kind}${given}`;
}

/** Another command of `valetkey application` for a client. */
export function applicationCommand(name: 'enable' | 'rotate-secret', clientId: string): string {
  const command = `npx valetkey application ${name}`;
  return PLAIN.test(clientId) ? `${command} --client-id ${clientId}` : command;
}

/** As short as no secret is. */
const LONGEST_NAME = 31;
const LONGEST_IN_LOG = 600;
/** A secret or token of ours, which somebody put where a name belongs. */
const OURS = /(vk[a-z]{2}_)[A-Za-z0-9_-]+/g;

/** A name that somebody sent. A long one may be a secret in the wrong place, so it is cut. */
export function nameForLog(name: string): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, 8)}… (${name.length} characters)`;
}

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
