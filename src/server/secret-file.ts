/**
 * The secret that seals keys: from the settings, or from a file of mode 0600 in the data folder,
 * outside the database. A new secret is never created when the database holds data that an earlier
 * secret sealed.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FoundSecret {
  /** The current secret first. */
  readonly secrets: readonly string[];
  /** Path of the file; null when the settings contain the secret. */
  readonly file: string | null;
  /** True when this call created the file. */
  readonly made: boolean;
}

export interface SecretPlace {
  readonly dataDir: string;
  /** True when the database holds sealed data. */
  readonly needed: boolean;
  /** Whether a missing secret may be created. */
  readonly create: boolean;
}

/**
 * Finds the secret, or creates it where that is allowed.
 * @param given the secrets of the settings
 * @throws Error when the secret is missing and must not be created, or its file is empty
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
        `The database holds keys that are sealed with a secret, but ${file} does not exist and VALETKEY_SECRET is not set. Restore the secret, or set VALETKEY_SECRET to that of the application which serves this database: a new secret cannot open the keys.`,
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
 * Writes a temporary file and links it to its name, so that the file is complete when it appears
 * and only one of several processes creates it. True when this process created it.
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
    throw new Error(`The secret file ${file} is empty. Restore the secret.`);
  return secrets;
}
