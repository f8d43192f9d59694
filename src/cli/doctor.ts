/** `valetkey doctor`: looks at settings, secret, database, clock and keys, and says what to do. Changes nothing. */
import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { type Assembly, SETTINGS } from 'valetkey/server';
import { say, table } from './output.ts';
import { globals, withAssembly } from './workshop.ts';

interface Finding {
  readonly about: string;
  readonly ok: boolean;
  readonly found: string;
  readonly remedy: string | null;
}

const good = (about: string, found: string): Finding => ({ about, ok: true, found, remedy: null });
const bad = (about: string, found: string, remedy: string): Finding => ({ about, ok: false, found, remedy });
/** Seconds that our clock and the database's may differ. */
const MOST_SKEW = 5;

export function doctor(program: Command): void {
  program
    .command('doctor')
    .description('check settings, database, clock and keys')
    .option('--settings', 'list every setting instead', false)
    .action(async (options: { readonly settings: boolean }, command: Command) => {
      const { json } = globals(command);
      if (options.settings) {
        say(json, { settings: SETTINGS }, table(SETTINGS.map(({ env, path, about }) => [env, path, about])));
        return;
      }
      await withAssembly(
        command,
        async (assembly) => {
          const findings = await examine(assembly);
          const healthy = findings.every(({ ok }) => ok);
          const lines = findings.map(
            ({ ok, about, found, remedy }) => `${ok ? '✓' : '✗'} ${about}: ${found}${remedy === null ? '' : `\n    ${remedy}`}`,
          );
          say(json, { healthy, findings }, lines.join('\n'));
          if (!healthy) process.exitCode = 1;
        },
        { migrate: false },
      );
    });
}

async function examine(assembly: Assembly): Promise<readonly Finding[]> {
  return [settings(assembly), secret(assembly), ...(await database(assembly)), ...(await keys(assembly))];
}

function settings({ provider, issuer }: Assembly): Finding {
  const { weakened } = provider;
  if (weakened.length > 0)
    return bad('Settings', `issuer ${issuer}, weakened by ${weakened.join(', ')}`, 'Switch them off, unless you know why they are on.');
  return good('Settings', `issuer ${issuer}`);
}

function secret({ secretFile }: Assembly): Finding {
  if (secretFile === null) return good('Secret', 'given by the environment');
  const mode = statSync(secretFile).mode & 0o777;
  if ((mode & 0o077) !== 0)
    return bad('Secret', `${secretFile} can be read by others (mode ${mode.toString(8)})`, `chmod 600 ${secretFile}`);
  return good('Secret', secretFile);
}

async function database({ database: db }: Assembly): Promise<readonly Finding[]> {
  const { driver, version, serverTime, warnings } = await db.check();
  const pending = await db.pendingMigrations();
  const skew = Math.abs(serverTime - Math.floor(Date.now() / 1000));
  return [
    warnings.length === 0
      ? good('Database', `${db.dialect} ${version} through ${driver}`)
      : bad('Database', warnings.join(' '), 'Change the setting of the database.'),
    pending.length === 0
      ? good('Schema', 'up to date')
      : bad('Schema', `${pending.length} migrations are pending`, 'Run: valetkey migrate'),
    skew <= MOST_SKEW
      ? good('Clock', `${skew} s from the database`)
      : bad('Clock', `${skew} s from the database`, 'Synchronise both clocks (NTP).'),
  ];
}

async function keys({ provider, database: db }: Assembly): Promise<readonly Finding[]> {
  if ((await db.pendingMigrations()).length > 0) return [];
  try {
    const list = await provider.keys.list();
    if (list.length === 0) return [bad('Signing keys', 'none yet', 'Start the server once, or run: valetkey init')];
    const current = list.filter(({ state }) => state === 'current');
    const late = current.filter(({ retiredAt }) => retiredAt !== null && retiredAt < Date.now() / 1000);
    if (late.length > 0)
      return [bad('Signing keys', 'a key past its end still signs', 'Is the server running? It rotates keys every few minutes.')];
    return [good('Signing keys', list.map(({ alg, state }) => `${alg} ${state}`).join(', '))];
  } catch (error) {
    return [bad('Signing keys', error instanceof Error ? error.message : String(error), 'Put the secret back that sealed them.')];
  }
}
