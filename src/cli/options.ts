/**
 * How values of options are read: lists, numbers, passwords. A value that does not fit is refused
 * before a command begins.
 */
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { InvalidArgumentError } from 'commander';

/** For options that may be repeated; one value may also hold several, with spaces between them. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...value.split(/\s+/).filter((item) => item !== '')];
}

/** A whole number from `least` to `most`. */
export function wholeNumber(
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (/^[0-9]{1,15}$/.test(value) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(
      `It is a whole number from ${least}${most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`}.`,
    );
  };
}

/** A number of seconds, parts of them allowed. */
export function seconds(value: string): number {
  if (/^[0-9]{1,9}(\.[0-9]{1,3})?$/.test(value)) return Number(value);
  throw new InvalidArgumentError('It is a number of seconds.');
}

/** A value in JSON. */
export function json(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw new InvalidArgumentError('It is JSON, like {"country": "NL"}.');
  }
}

export interface PasswordOptions {
  readonly password?: string;
  readonly passwordStdin?: boolean;
}

/** The password that was given, or one that is made; only a made one is ever printed. */
export async function passwordFrom(
  options: PasswordOptions,
): Promise<{ readonly password: string; readonly made: boolean }> {
  if (options.password !== undefined && options.passwordStdin === true)
    throw new Error('Give --password or --password-stdin, not both.');
  if (options.passwordStdin === true)
    return { password: (await text(process.stdin)).replace(/\r?\n$/, ''), made: false };
  if (options.password !== undefined) return { password: options.password, made: false };
  return { password: randomBytes(15).toString('base64url'), made: true };
}
