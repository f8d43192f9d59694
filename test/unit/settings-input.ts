/** Reads settings in tests, from files of their own. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, type ConfigProblem } from 'valetkey';
import { type GivenSettings, readSettings } from 'valetkey/server';
import { afterAll } from 'vitest';

/** Makes files for the tests of one file, and removes them afterwards. */
export function settingsFiles(): {
  readonly folder: string;
  /** A new file with this text; returns its path. */
  file(text: string, ending?: string): string;
  /** A settings file with this content, as a source. */
  fromFile(value: object): { readonly configFile: string };
} {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-settings-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let written = 0;
  const file = (text: string, ending = 'json'): string => {
    written += 1;
    const path = join(folder, `${written}.${ending}`);
    writeFileSync(path, text);
    return path;
  };
  return { folder, file, fromFile: (value) => ({ configFile: file(JSON.stringify(value)) }) };
}

type Sources = Partial<Parameters<typeof readSettings>[0]>;
export const read = async (sources: Sources): Promise<GivenSettings> =>
  await readSettings({ env: {}, ...sources });
export const refused = async (sources: Sources): Promise<readonly ConfigProblem[]> => {
  const error = await read(sources).catch((thrown: unknown) => thrown);
  if (error instanceof ConfigError) return error.problems;
  throw error instanceof Error ? error : new Error(`accepted: ${JSON.stringify(error)}`);
};
export const options = async (sources: Sources): Promise<string[]> =>
  (await refused(sources)).map(({ option }) => option);

export const rsa = (bits: number, type: 'pkcs1' | 'pkcs8' = 'pkcs8'): string =>
  generateKeyPairSync('rsa', { modulusLength: bits })
    .privateKey.export({ type, format: 'pem' })
    .toString();
export const elliptic = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
export const GOOD_SECRET = 'a secret that is long enough for anybody';
