/** The secret that seals keys: given, or kept in a file of mode 0600 beside the database but outside it. Never made anew when keys exist. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FoundSecret {
  readonly secrets: readonly string[];
  readonly file: string | null;
  /** True when it was made just now. */
  readonly made: boolean;
}

/**
 * @param given from settings
 * @param keysExist the database holds keys sealed under some secret
 * @throws Error when the secret of existing keys is missing
 */
export function findSecret(given: readonly string[] | undefined, dataDir: string, keysExist: boolean): FoundSecret {
  if (given !== undefined && given.length > 0) return { secrets: given, file: null, made: false };
  const file = join(dataDir, 'secret');
  let made = false;
  if (!existsSync(file)) {
    if (keysExist) {
      throw new Error(
        `The database holds signing keys, but their secret is missing: ${file} is not there and VALETKEY_SECRET is not set. Put the secret back; a new one could not open the keys.`,
      );
    }
    try {
      // `wx`: of several processes starting at once one makes it, the others read it.
      writeFileSync(file, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
      made = true;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
    }
  }
  return {
    secrets: readFileSync(file, 'utf8')
      .split(/\s+/)
      .filter((line) => line !== ''),
    file,
    made,
  };
}
