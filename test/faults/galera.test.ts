/**
 * A cluster of three MariaDB servers, with each process on another one: of concurrent calls exactly
 * one wins, whichever server it asks, and a server that dies takes nothing with it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { StoreUnavailable } from 'valetkey';
import { type SqlDatabase, sqlDatabase } from 'valetkey/sql';
import { redeem, sample, withCode } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { services } from '../services.ts';
import { raceLaws } from '../store/race-laws.ts';
import type { Task } from '../store/worker.ts';
import { startCrowd } from '../store/workers.ts';
import { type Galera, startGalera } from './galera-cluster.ts';

const NOW = 1_800_000_000;
const ROUNDS = 60;

describe.skipIf(services.galera === null)('Galera', () => {
  let galera: Galera;
  beforeAll(async () => {
    galera = await startGalera(services.galera ?? '');
  }, 180_000);
  afterAll(async () => {
    await galera.stop();
  }, 60_000);

  describe(`processes on three servers, ${ROUNDS} rounds`, () => {
    raceLaws(
      {
        options: async () => galera.urls.map((url) => ({ url })),
        remove: async () => undefined,
      },
      ROUNDS,
    );
  });

  it('[store] migrate: of processes that start on all three servers at once none fails', async () => {
    for (let round = 0; round < 5; round += 1) {
      const name = `new_${round}`;
      const [first = ''] = galera.urls;
      const admin = sqlDatabase({ url: first });
      await sql`create database ${sql.id(name)}`.execute(admin.kysely);
      await admin.close();
      const crowd = startCrowd(6);
      const tasks = galera.urls.map((url): Task => {
        const options = { url: Object.assign(new URL(url), { pathname: `/${name}` }).href };
        return { do: 'migrate', options };
      });
      const outcomes = await crowd.all(tasks, '');
      expect(outcomes.map(({ error }) => error)).toEqual(Array(6).fill(undefined));
      const swaps = await crowd.all({ do: 'swap', expected: 0 }, 'https://new.example');
      expect(swaps.filter(({ result }) => result === true)).toHaveLength(1);
      await crowd.stop();
    }
  }, 120_000);

  it('[store] what one server was told, the next one knows at once', async () => {
    const databases = galera.urls.map((url) => sqlDatabase({ url, timeout: 20_000 }));
    const [writer, ...readers] = databases as [SqlDatabase, ...SqlDatabase[]];
    const issuer = `https://${randomUUID()}.example`;
    for (let round = 0; round < ROUNDS; round += 1) {
      const { code } = await withCode(writer.forIssuer(issuer));
      for (const reader of readers)
        expect((await reader.forIssuer(issuer).codes.find(code.digest))?.code.digest).toBe(
          code.digest,
        );
    }
    await Promise.all(databases.map(async (database) => await database.close()));
  }, 120_000);

  it('[store] a server that dies under load and comes back: only StoreUnavailable, nothing lost, nothing used twice', async () => {
    const databases = galera.urls.map((url) => sqlDatabase({ url }));
    const issuer = `https://${randomUUID()}.example`;
    const stores = databases.map((database) => database.forIssuer(issuer));
    const codes = [];
    for (let index = 0; index < 200; index += 1)
      codes.push(await withCode(stores[0] as (typeof stores)[number]));
    let returning: Promise<void> = Promise.resolve();
    const outcomes = await Promise.all(
      codes.map(async ({ facts, authorization, code }, index) => {
        await sleep(index * 25);
        if (index === 60)
          returning = galera.kill(2).then(async () => {
            await sleep(1000);
            await galera.join(2);
          });
        const family = sample.family(facts, authorization.id);
        const issue = sample.issue(facts, family.id, authorization.id);
        const attempt = async (node: number): Promise<unknown> =>
          await redeem(
            stores[node] as (typeof stores)[number],
            code.digest,
            family,
            issue,
            NOW,
          ).catch((error: unknown) => error);
        const outcome = await attempt(index % 3);
        return { attempt, outcome, token: issue.accessToken.digest };
      }),
    );
    await returning;
    const bad = outcomes.filter(({ outcome }) => outcome !== 'fresh');
    console.log(`Galera: ${bad.length} of ${outcomes.length} calls found no database`);
    for (const { outcome } of bad) expect(outcome).toBeInstanceOf(StoreUnavailable);
    for (const { attempt, outcome, token } of outcomes) {
      const before = (await stores[1]?.tokens.findAccessToken(token))?.live ?? false;
      if (outcome === 'fresh') expect(before).toBe(true);
      // What was refused is done or not done; a token exists if, and only if, the code is consumed.
      const again = await attempt(2);
      expect([before, again]).toEqual([before, before ? 'consumed' : 'fresh']);
    }
    await Promise.all(databases.map(async (database) => await database.close()));
  }, 180_000);
});
