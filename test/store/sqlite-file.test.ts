/** The file of an SQLite database: who may read it, and what opening it again must not do. */
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { type SqlDatabase, sqlDatabase } from 'valetkey/sql';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { start } from '../processes.ts';

let folder: string;
let open: SqlDatabase[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'valetkey-file-'));
  open = [];
});
afterEach(async () => {
  for (const database of open) await database.close();
  rmSync(folder, { recursive: true, force: true });
});

const at = (path: string): SqlDatabase => {
  const database = sqlDatabase({ url: `sqlite:${path}` });
  open.push(database);
  return database;
};
const modeOf = (path: string): number => statSync(path).mode & 0o777;

it('ST-01 is made for this user alone, with its folder and side files; one that exists keeps its mode', async () => {
  const path = join(folder, 'own', 'app.db');
  await at(path).migrate();
  expect(modeOf(join(folder, 'own'))).toBe(0o700);
  for (const name of ['', '-wal', '-shm']) expect(modeOf(path + name), name).toBe(0o600);
  const shared = join(folder, 'shared.db');
  writeFileSync(shared, '', { mode: 0o640 });
  await at(shared).migrate();
  expect(modeOf(shared)).toBe(0o640);
});

it('keeps its locks when the same process opens it again', async () => {
  const path = join(folder, 'app.db');
  const first = at(path);
  await first.migrate();
  await sql`create table seen (n integer)`.execute(first.kysely);
  await at(path).check();
  // Another process that opens and closes it alone would take the side files away.
  const program = start(new URL('./sqlite-visitor.ts', import.meta.url).pathname, [path]);
  expect([await program.ended, program.output()]).toEqual([0, '']);
  expect(existsSync(`${path}-wal`)).toBe(true);
  await sql`insert into seen values (1)`.execute(first.kysely);
  const { rows } = await sql<{ n: number }>`select n from seen`.execute(at(path).kysely);
  expect(rows).toEqual([{ n: 1 }]);
});
