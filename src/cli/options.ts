/**
 * Reads the values of options: lists, numbers and passwords. An invalid value is refused before the
 * command begins.
 */
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { InvalidArgumentError } from 'commander';

/**
 * Reads an option that may be repeated. One value can also contain several, separated by spaces or
 * commas. A comma inside a URI stays: what follows it is no URI.
 */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  const separator = value.includes(':') ? /\s+|,+\s*(?=[a-z][a-z0-9+.-]*:|$)/i : /[\s,]+/;
  return [...before, ...value.split(separator).filter((item) => item !== '')];
}

/** Reads a whole number from `least` to `most`. */
export function wholeNumber(
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (/^[0-9]{1,15}$/.test(value) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(
      `It must be a whole number from ${least}${most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`}.`,
    );
  };
}

/** Reads a number of seconds, with at most three decimals. */
export function seconds(value: string): number {
  if (/^[0-9]{1,9}(\.[0-9]{1,3})?$/.test(value)) return Number(value);
  throw new InvalidArgumentError('It must be a number of seconds.');
}

/** Reads a value in JSON. */
export function json(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw new InvalidArgumentError('It must be JSON, such as {"name": "value"}.');
  }
}

export interface PasswordOptions {
  readonly password?: string;
  readonly passwordStdin?: boolean;
}

/**
 * The given password, or a random one. Commands print only a random one (`made`).
 * @throws Error when both options give a password
 */
export async function passwordFrom(
  options: PasswordOptions,
): Promise<{ readonly password: string; readonly made: boolean }> {
  if (options.password !== undefined && options.passwordStdin === true)
    throw new Error('Use --password or --password-stdin, not both.');
  if (options.passwordStdin === true)
    return { password: (await text(process.stdin)).replace(/\r?\n$/, ''), made: false };
  if (options.password !== undefined) return { password: options.password, made: false };
  return { password: randomBytes(15).toString('base64url'), made: true };
}
