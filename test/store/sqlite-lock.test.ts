/** Writes to an SQLite file whose write lock is held by somebody else. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
  'an upsert': async (store) => async () =>
    (await store.counters.hit('counter', 60, NOW)).count === 1,
  'a transaction of the query builder': async (store) => {
    const { facts } = await withCode(store);
    return async () => await store.clients.delete(facts.clientId, null);
  },
  'a single statement of the query builder': async (store) => {
    const { session } = await withCode(store);
    return async () => {
      await store.sessions.touch(session.handle, NOW + 77);
      return (await store.sessions.find(session.handle))?.seenAt === NOW + 77;
    };
  },
};

/** Holds the lock while `work` runs. */
async function locked(work: () => Promise<void>): Promise<void> {
  await other.kysely.connection().execute(async (connection) => {
    await sql`begin immediate`.execute(connection);
    await work();
    await sql`commit`.execute(connection);
  });
}

it.each(Object.entries(WRITES))(
  '[store] %s waits for the lock while everything else of the process goes on',
  async (_, prepare) => {
    const store = database.forIssuer('https://op.example');
    const write = await prepare(store);
    const steps: string[] = [];
    let ticks = 0;
    const written: Promise<unknown>[] = [];
    await locked(async () => {
      const timer = setInterval(() => {
        ticks += 1;
      }, 10);
      written.push(
        write().then((outcome) => {
          steps.push('written');
          return outcome;
        }),
      );
      await sleep(400);
      clearInterval(timer);
      // Readers wait neither for the lock nor for who waits for it.
      expect(await store.tokens.findAccessToken('unknown')).toBeNull();
      expect(await store.clients.find('unknown')).toBeNull();
      steps.push('read');
    });
    expect(await Promise.all(written)).toEqual([true]);
    expect(steps).toEqual(['read', 'written']);
    // If SQLite waited inside its calls, hardly any would get through.
    expect(ticks).toBeGreaterThan(3);
  },
);

it('[store] many that wait for the lock are all served when it is free', async () => {
  const { oneTime, counters, sessions } = database.forIssuer('https://op.example');
  const work = Array.from({ length: 100 }, (_, index) => [
    async () => await oneTime.put(sample.oneTime()),
    async () => (await counters.hit(`counter ${index}`, 60, NOW)).count === 1,
    async () => await sessions.touch(`handle ${index}`, NOW).then(() => true),
  ]).flat();
  const outcomes: Promise<unknown>[] = [];
  await locked(async () => {
    outcomes.push(...work.map(async (one) => await one()));
    await sleep(300);
  });
  expect(await Promise.all(outcomes)).toEqual(work.map(() => true));
});

it('[store] each write has its own five seconds, however long others have waited', async () => {
  const { oneTime } = database.forIssuer('https://op.example');
  const put = async (): Promise<unknown> =>
    await oneTime.put(sample.oneTime()).catch(({ name }: Error) => name);
  const outcomes: Promise<unknown>[] = [];
  await locked(async () => {
    outcomes.push(put());
    await sleep(4000);
    outcomes.push(put());
    await sleep(2000);
  });
  expect(await Promise.all(outcomes)).toEqual(['StoreUnavailable', true]);
});
