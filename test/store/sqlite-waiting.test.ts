/** Writes to an SQLite file whose write lock is held by somebody else. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import type { Store } from 'valetkey';
import { type SqlDatabase, sqlDatabase } from 'valetkey/sql';
import { sample, withCode } from 'valetkey/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';

const NOW = 1_800_000_000;
let folder: string;
let database: SqlDatabase;
/** Another connection, as another process has it. */
let other: SqlDatabase;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'valetkey-waiting-'));
  const url = `sqlite:${join(folder, 'test.db')}`;
  database = sqlDatabase({ url });
  other = sqlDatabase({ url });
  await database.migrate();
});
afterEach(async () => {
  await database.close();
  await other.close();
  rmSync(folder, { recursive: true, force: true });
});

type Prepared = () => Promise<unknown>;
const WRITES: Readonly<Record<string, (store: Store) => Promise<Prepared>>> = {
  'an act': async (store) => {
    const record = sample.oneTime();
    return async () => await store.oneTime.put(record);
  },
  'a transaction of the query builder': async (store) => {
    const { facts } = await withCode(store);
    return async () => await store.clients.delete(facts.clientId, null);
  },
  'a single statement of the query builder': async (store) => async () =>
    (await store.counters.hit('counter', 60, NOW)).count === 1,
};

it.each(Object.entries(WRITES))(
  '[store] %s waits for the lock while everything else of the process goes on',
  async (_, prepare) => {
    const store = database.forIssuer('https://op.example');
    const write = await prepare(store);
    const steps: string[] = [];
    let written: Promise<unknown> = Promise.resolve();
    await other.kysely.connection().execute(async (connection) => {
      await sql`begin immediate`.execute(connection);
      written = write().then((outcome) => {
        steps.push('written');
        return outcome;
      });
      await new Promise((resolve) => setTimeout(resolve, 200));
      // Readers do not wait.
      expect(await store.tokens.findAccessToken('unknown')).toBeNull();
      steps.push('read');
      await sql`commit`.execute(connection);
    });
    expect(await written).toBe(true);
    expect(steps).toEqual(['read', 'written']);
  },
);
