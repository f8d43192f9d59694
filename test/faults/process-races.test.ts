/** Single use with several processes on one database: exactly one winner, losers told cleanly, nothing thrown. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreUnavailable } from 'valetkey';
import { type SqlDatabase, sqlDatabase } from 'valetkey/sql';
import { withCode, withFamily } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, start, stop } from '../processes.ts';
import { services } from '../services.ts';

const PROCESSES = 4;
const PARALLEL = 25;
const ROUNDS = 5;
const folder = mkdtempSync(join(tmpdir(), 'valetkey-races-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PLACES: [name: string, url: string | null, schema: string][] = [
  ['SQLite', `sqlite:${join(folder, 'races.db')}`, ''],
  ['PostgreSQL', services.postgres, `races_${randomUUID().slice(0, 8)}`],
];

async function crowd(
  task: string,
  url: string,
  schema: string,
  issuer: string,
  facts: object,
  processes: number,
  parallel: number,
): Promise<string[]> {
  const env = { START_AT: String(Date.now() + 1500), PARALLEL: String(parallel) };
  const programs = Array.from({ length: processes }, () =>
    start('test/faults/worker.ts', [task, url, schema, issuer, JSON.stringify(facts)], env),
  );
  const outcomes: string[] = [];
  for (const program of programs) {
    expect(await program.ended, program.output()).toBe(0);
    outcomes.push(...(JSON.parse(program.output()) as string[]));
  }
  return outcomes;
}

const tally = (outcomes: readonly string[]): Record<string, number> =>
  Object.fromEntries([...new Set(outcomes)].map((outcome) => [outcome, outcomes.filter((one) => one === outcome).length]));

describe.each(PLACES)('%s', (_name, given, schema) => {
  describe.skipIf(given === null)('several processes', () => {
    const url = given ?? '';
    const issuer = 'https://races.example';
    let database: SqlDatabase;
    beforeAll(async () => {
      // Ten processes find an empty database and all bring it up to date.
      const outcomes = await crowd('migrate', url, schema, issuer, {}, 10, 1);
      expect(tally(outcomes)).toEqual({ 0: 9, 1: 1 });
      database = sqlDatabase({ url, ...(schema === '' ? {} : { schema }) });
    }, 120_000);
    afterAll(async () => await database.close());

    it(`[RFC6749 §4.1.2] TK-02 ${PROCESSES * PARALLEL} redemptions of one code from ${PROCESSES} processes, ${ROUNDS} times over`, async () => {
      const store = database.forIssuer(issuer);
      for (let round = 0; round < ROUNDS; round += 1) {
        const { facts, authorization, code } = await withCode(store);
        const outcomes = await crowd(
          'redeem',
          url,
          schema,
          issuer,
          { facts, authorizationId: authorization.id, code: code.digest },
          PROCESSES,
          PARALLEL,
        );
        expect(tally(outcomes)).toEqual({ fresh: 1, spent: PROCESSES * PARALLEL - 1 });
      }
    }, 240_000);
    it(`RT-03 ${PROCESSES * PARALLEL} uses of one refresh token from ${PROCESSES} processes, ${ROUNDS} times over`, async () => {
      const store = database.forIssuer(issuer);
      for (let round = 0; round < ROUNDS; round += 1) {
        const { facts, authorization, family } = await withFamily(store);
        const outcomes = await crowd(
          'rotate',
          url,
          schema,
          issuer,
          { facts, authorizationId: authorization.id, familyId: family.id, presented: family.refreshDigest },
          PROCESSES,
          PARALLEL,
        );
        expect(tally(outcomes)).toEqual({ fresh: 1, spent: PROCESSES * PARALLEL - 1 });
      }
    }, 240_000);
    it('ten processes make one key set', async () => {
      expect(tally(await crowd('swap', url, schema, 'https://keys.example', {}, 10, 1))).toEqual({ true: 1, false: 9 });
    }, 120_000);
    it('a migration killed in the middle leaves a database that the next one finishes', async () => {
      const place =
        schema === ''
          ? { url: `sqlite:${join(folder, `${randomUUID()}.db`)}`, schema: '' }
          : { url, schema: `killed_${randomUUID().slice(0, 8)}` };
      for (const delay of [0, 3, 6, 10, 20]) {
        const program = start('test/faults/worker.ts', ['migrate', place.url, place.schema, issuer], {
          START_AT: String(Date.now() + 900),
        });
        await new Promise((resolve) => setTimeout(resolve, 900 + delay));
        await stop(program, 'SIGKILL');
      }
      const after = sqlDatabase({ url: place.url, ...(place.schema === '' ? {} : { schema: place.schema }) });
      await after.migrate();
      expect(await after.pendingMigrations()).toEqual([]);
      await withFamily(after.forIssuer(issuer));
      await after.close();
    }, 120_000);
  });
});

describe('a database that is not there', () => {
  it('that refuses connections is StoreUnavailable at once', async () => {
    const database = sqlDatabase({ url: `postgres://nobody@127.0.0.1:${await freePort()}/nothing` });
    await expect(database.forIssuer('https://x.example').clients.find('x')).rejects.toBeInstanceOf(StoreUnavailable);
    await database.close();
  });
  it('that swallows everything is StoreUnavailable within its time', async () => {
    const hole: Server = createServer(() => undefined);
    await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve));
    const address = hole.address();
    const database = sqlDatabase({
      url: `postgres://nobody@127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/nothing`,
      timeout: 500,
    });
    const before = Date.now();
    await expect(database.forIssuer('https://x.example').clients.find('x')).rejects.toBeInstanceOf(StoreUnavailable);
    expect(Date.now() - before).toBeLessThan(5000);
    await database.close();
    hole.close();
  });
});
