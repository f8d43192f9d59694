/**
 * The secret that seals keys: given, or kept in a file of mode 0600 in the data folder, outside the
 * database. Never made anew when the database holds what an earlier one sealed.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FoundSecret {
  /** The current one first. */
  readonly secrets: readonly string[];
  readonly file: string | null;
  /** True when it was made just now. */
  readonly made: boolean;
}

export interface SecretPlace {
  readonly dataDir: string;
  /** The database holds something sealed. */
  readonly needed: boolean;
  /** A missing secret may be made. */
  readonly create: boolean;
}

/**
 * @param given from settings
 * @throws Error when a needed secret is missing
 */
export function findSecret(
  given: readonly string[] | undefined,
  { dataDir, needed, create }: SecretPlace,
): FoundSecret {
  if (given !== undefined && given.length > 0) return { secrets: given, file: null, made: false };
  const file = join(dataDir, 'secret');
  if (!existsSync(file)) {
    if (needed) {
      throw new Error(
        `The database holds sealed keys, but their secret is missing: ${file} is not there and VALETKEY_SECRET is not set. Put the secret back; a new one could not open them.`,
      );
    }
    if (!create)
      throw new Error(
        `There is no secret at ${file}, and VALETKEY_SECRET is not set. Run: valetkey init`,
      );
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const made = makeSecret(file);
    return { secrets: read(file), file, made };
  }
  return { secrets: read(file), file, made: false };
}

/**
 * Writes aside and links, so that the file is whole from its first moment and of several processes
 * one makes it. True when it was this one.
 */
function makeSecret(file: string): boolean {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(aside, `${randomBytes(32).toString('base64url')}\n`, {
    mode: 0o600,
    flag: 'wx',
    flush: true,
  });
  try {
    linkSync(aside, file);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error;
    return false;
  } finally {
    unlinkSync(aside);
  }
}

function read(file: string): readonly string[] {
  const secrets = readFileSync(file, 'utf8')
    .split(/[,\s]+/)
    .filter((secret) => secret !== '');
  if (secrets.length === 0)
    throw new Error(`The secret file ${file} is empty. Put the secret back.`);
  return secrets;
}
