#!/usr/bin/env node
/**
 * Copies the SQLite database and the secret of a data folder, while the server runs:
 * `node deploy/backup.mjs <data folder> <new folder>`. The copy is the state of one moment. It is a
 * data folder itself: `valetkey serve --data-dir <new folder>` starts from it.
 */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { sqlDatabase } from 'valetkey/sql';

const [from, to] = process.argv.slice(2);
const refuse = (problem) => {
  console.error(`backup: ${problem}`);
  process.exit(1);
};
if (from === undefined || to === undefined) refuse('name the data folder and a new folder.');
if (!existsSync(join(from, 'valetkey.db'))) refuse(`there is no valetkey.db in ${from}.`);

// Both files open everything: only this user may read them.
process.umask(0o077);
try {
  mkdirSync(to);
  // Not a copy of the file: what was written last is in the file beside it until SQLite moves it.
  const database = sqlDatabase({ url: `sqlite:${join(from, 'valetkey.db')}` });
  await sql`vacuum into ${join(to, 'valetkey.db')}`.execute(database.kysely);
  await database.close();
  if (existsSync(join(from, 'secret'))) copyFileSync(join(from, 'secret'), join(to, 'secret'));
  else console.error('backup: no secret in the data folder. Keep a copy of VALETKEY_SECRET.');
} catch (error) {
  refuse(error instanceof Error ? error.message : String(error));
}
