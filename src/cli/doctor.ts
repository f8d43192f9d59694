/**
 * `valetkey doctor`: checks settings, database, clock, secret and keys, and says how to correct
 * them. It changes nothing.
 */
import { statSync } from 'node:fs';
import type { Command } from 'commander';
import {
  type AnyFeature,
  type Assembly,
  assemble,
  type GivenSettings,
  openDatabase,
  settingsTable,
  whoseDatabase,
} from 'valetkey/server';
import { embeddedFile, type SqlDatabase } from 'valetkey/sql';
import { globals, settingsOf } from './command-context.ts';
import { problemsOf, say, table } from './output.ts';

interface Finding {
  readonly about: string;
  readonly ok: boolean;
  readonly found: string;
  readonly remedy: string | null;
}

const good = (about: string, found: string): Finding => ({ about, ok: true, found, remedy: null });
const bad = (about: string, found: string, remedy: string): Finding => ({
  about,
  ok: false,
  found,
  remedy,
});
/** A check that ended with an error. The message of the error names the remedy. */
const stopped = (about: string, error: unknown): Finding => ({
  about,
  ok: false,
  found: problemsOf(error).join(' '),
  remedy: null,
});
/** The checks that all later checks depend on. */
const GROUND: readonly string[] = ['Database', 'Schema', 'Issuer'];
/** Largest difference, in seconds, between the clocks of this machine and of the database. */
const MOST_SKEW = 5;

export function doctor(program: Command, features: readonly AnyFeature[]): void {
  program
    .command('doctor')
    .description('check settings, database, clock, secret and keys')
    .option('--settings', 'list every setting and check nothing', false)
    .action(async (options: { readonly settings: boolean }, command: Command) => {
      const { json } = globals(command);
      if (options.settings) {
        const list = settingsTable(features);
        const rows = list.map(({ env, path, about }) => [env, path, about]);
        return say(json, { settings: list }, table(rows));
      }
      const findings = await examine(await settingsOf(command));
      const healthy = findings.every(({ ok }) => ok);
      const lines = findings.map(
        ({ ok, about, found, remedy }) =>
          `${ok ? '✓' : '✗'} ${about}: ${found}${remedy === null ? '' : `\n    ${remedy}`}`,
      );
      say(json, { healthy, findings }, lines.join('\n'));
      if (!healthy) process.exitCode = 1;
    });
}

/** Runs the checks in order, and leaves out those that depend on a failed one. */
async function examine(given: GivenSettings): Promise<readonly Finding[]> {
  const ground = [settings(given), ...(await database(given))];
  if (ground.some(({ ok, about }) => !ok && GROUND.includes(about))) return ground;
  try {
    const assembly = await assemble(given, { create: false, migrate: false });
    try {
      return [...ground, secret(assembly), await keys(assembly)];
    } finally {
      await assembly.close();
    }
  } catch (error) {
    return [...ground, stopped('Secret', error)];
  }
}

const isOn = (value: unknown): boolean =>
  value === true || (Array.isArray(value) && value.length > 0);

function settings(given: GivenSettings): Finding {
  const weakened = Object.keys(given).filter(
    (path) => /(^|\.)allow[A-Z]/.test(path) && isOn(given[path]),
  );
  if (weakened.length > 0)
    return bad(
      'Settings',
      `weakened by ${weakened.join(', ')}`,
      'Turn them off, unless you know that you need them.',
    );
  return good('Settings', 'no problems');
}

async function database(given: GivenSettings): Promise<readonly Finding[]> {
  try {
    const { database: db, url } = openDatabase(given, { create: false });
    try {
      const { driver, version, serverTime, warnings } = await db.check();
      const pending = await db.pendingMigrations();
      const skew = Math.abs(serverTime - Math.floor(Date.now() / 1000));
      return [
        warnings.length === 0
          ? good('Database', `${db.dialect} ${version} through ${driver}`)
          : bad('Durability', warnings.join(' '), 'Change this setting in the database.'),
        pending.length === 0
          ? good('Schema', 'up to date')
          : bad('Schema', `pending: ${pending.join(', ')}`, 'Run: valetkey migrate'),
        skew <= MOST_SKEW
          ? good('Clock', `${skew} s from the database`)
          : bad('Clock', `${skew} s from the database`, 'Synchronise both clocks (NTP).'),
        ...filesOf(url),
        ...(pending.length === 0 ? [await issuer(db, given)] : []),
      ];
    } finally {
      await db.close();
    }
  } catch (error) {
    return [stopped('Database', error)];
  }
}

/** The files of the embedded database: they hold everything, sealed or as digests. */
function filesOf(url: string): readonly Finding[] {
  const file = embeddedFile(url);
  if (file === null) return [];
  const open = [file, `${file}-wal`, `${file}-shm`].filter((one) => isOpenToOthers(one));
  if (open.length === 0) return [good('Database file', `${file}, readable by its owner alone`)];
  const found = `other users can read ${open.join(', ')}`;
  return [bad('Database file', found, `Run: chmod 600 ${open.join(' ')}`)];
}

function isOpenToOthers(file: string): boolean {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & 0o077) !== 0;
}

async function issuer(db: SqlDatabase, given: GivenSettings): Promise<Finding> {
  try {
    const { issuer: ours, others } = await whoseDatabase(db, given, false);
    return good(
      'Issuer',
      others.length === 0 ? ours : `${ours}; the database also holds ${others.join(', ')}`,
    );
  } catch (error) {
    return stopped('Issuer', error);
  }
}

function secret({ secretFile }: Assembly): Finding {
  if (secretFile === null) return good('Secret', 'from the settings');
  const mode = statSync(secretFile).mode & 0o777;
  if ((mode & 0o077) !== 0)
    return bad(
      'Secret',
      `other users can read ${secretFile} (mode ${mode.toString(8)})`,
      `Run: chmod 600 ${secretFile}`,
    );
  return good('Secret', secretFile);
}

async function keys({ provider }: Assembly): Promise<Finding> {
  try {
    const list = await provider.keys.list();
    const current = list.filter(({ state }) => state === 'current');
    if (current.length === 0)
      return bad('Signing keys', 'none yet', 'Start the server once, or run: valetkey init');
    if (current.some(({ retiredAt }) => retiredAt !== null && retiredAt < Date.now() / 1000))
      return bad(
        'Signing keys',
        'a key still signs after its retirement time',
        'Start the server: it rotates due keys every few minutes.',
      );
    return good('Signing keys', list.map(({ alg, state }) => `${alg} ${state}`).join(', '));
  } catch (error) {
    return bad(
      'Signing keys',
      problemsOf(error).join(' '),
      'Restore the secret that sealed the keys.',
    );
  }
}
