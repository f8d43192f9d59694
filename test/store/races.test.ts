/**
 * The laws of the store between real processes: single use, revocation during rotation, and
 * starting at the same time.
 */
import { randomUUID } from 'node:crypto';
import type { Authorization, SessionKey } from 'valetkey';
import { sqlDatabase } from 'valetkey/sql';
import { sample, withCode, withFamily } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES, type EmptyDatabase } from '../databases.ts';
import { HALF_WAY } from './stalling-migration.ts';
import type { Outcome, Task } from './worker.ts';
import { type Crowd, startCrowd } from './workers.ts';

const ROUNDS = 20;
const PROCESSES = 4;
const EACH = 25;
const NOW = 1_800_000_000;
/** Milliseconds. These tests are about who wins, not about how long a busy disk may take. */
const PATIENCE = { timeout: 30_000 };

const errors = (outcomes: readonly Outcome[]): unknown[] =>
  outcomes.flatMap(({ error }) => (error === undefined ? [] : [error]));
const fresh = (outcomes: readonly Outcome[]): Outcome[] =>
  outcomes.filter(({ result }) => result === 'fresh');

describe.each(DATABASES)('$name', (kind) => {
  describe.skipIf(kind.missing)(`${PROCESSES} processes, ${ROUNDS} rounds`, () => {
    const issuer = `https://${randomUUID()}.example`;
    let empty: EmptyDatabase;
    let database: ReturnType<typeof sqlDatabase>;
    let crowd: Crowd;
    const store = (): ReturnType<typeof database.forIssuer> => database.forIssuer(issuer);
    const live = async (digest: string | undefined): Promise<boolean> =>
      (await store().tokens.findAccessToken(digest ?? ''))?.live ?? false;
    const livingOf = async (outcomes: readonly Outcome[]): Promise<number> => {
      const lives = await Promise.all(outcomes.map(async ({ digest }) => await live(digest)));
      return lives.filter(Boolean).length;
    };

    beforeAll(async () => {
      empty = kind.make();
      database = sqlDatabase({ ...empty.options, ...PATIENCE });
      await database.migrate();
      crowd = startCrowd(PROCESSES);
      const options = { ...empty.options, ...PATIENCE };
      expect(errors(await crowd.all({ do: 'open', options }, issuer))).toEqual([]);
    });
    afterAll(async () => {
      await crowd.stop();
      await database.close();
      await empty.remove();
    });

    it('[store] redeem: of 100 calls from several processes exactly one is fresh, none throws, and one token is live', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { facts, authorization, code } = await withCode(store());
        const task: Task = {
          do: 'redeem',
          code: code.digest,
          facts,
          authorizationId: authorization.id,
          now: NOW,
        };
        const outcomes = await crowd.all(task, issuer, EACH);
        expect(outcomes).toHaveLength(PROCESSES * EACH);
        expect([errors(outcomes), fresh(outcomes).length, await livingOf(outcomes)]).toEqual([
          [],
          1,
          1,
        ]);
      }
    });

    it('[store] rotate: of 100 calls from several processes exactly one is fresh, none throws, and one new token is live', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { facts, authorization, family } = await withFamily(store());
        const task: Task = {
          do: 'rotate',
          family,
          facts,
          authorizationId: authorization.id,
          now: NOW,
        };
        const outcomes = await crowd.all(task, issuer, EACH);
        expect([errors(outcomes), fresh(outcomes).length, await livingOf(outcomes)]).toEqual([
          [],
          1,
          1,
        ]);
      }
    });

    it.each(['revoke-family', 'revoke-authorization', 'end-session'] as const)(
      '[store] %s during rotate: no token is live afterwards',
      async (way) => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const { facts, authorization, family, session, issue } = await withFamily(store());
          const rotate: Task = {
            do: 'rotate',
            family,
            facts,
            authorizationId: authorization.id,
            now: NOW,
          };
          const outcomes = await crowd.all(
            [rotate, ending(way, family.id, authorization, session), rotate, rotate],
            issuer,
            3,
          );
          expect([
            errors(outcomes),
            await livingOf(outcomes),
            await live(issue.accessToken?.digest),
          ]).toEqual([[], 0, false]);
        }
      },
    );

    it.each(['revoke-authorization', 'end-session'] as const)(
      '[store] %s during redeem: no token is live afterwards',
      async (way) => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const { facts, authorization, code, session } = await withCode(store());
          const redeem: Task = {
            do: 'redeem',
            code: code.digest,
            facts,
            authorizationId: authorization.id,
            now: NOW,
          };
          const outcomes = await crowd.all(
            [redeem, ending(way, '', authorization, session), redeem, redeem],
            issuer,
            3,
          );
          expect([errors(outcomes), await livingOf(outcomes)]).toEqual([[], 0]);
          expect(fresh(outcomes).length).toBeLessThanOrEqual(1);
        }
      },
    );

    it('[store] oneTime: of 100 calls from several processes exactly one puts a record, and exactly one consumes it', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const record = sample.oneTime({ secondKey: sample.oneTime().digest });
        const truths = (outcomes: readonly Outcome[]): number =>
          outcomes.filter(({ result }) => result === true).length;
        const puts = await crowd.all({ do: 'put', record }, issuer, EACH);
        expect([errors(puts), truths(puts)]).toEqual([[], 1]);
        const consumed = await crowd.all({ do: 'consume', record, now: NOW }, issuer, EACH);
        expect(consumed).toHaveLength(PROCESSES * EACH);
        expect([errors(consumed), truths(consumed)]).toEqual([[], 1]);
      }
    });

    it('[store] issue: of 100 calls from several processes for one one-time record exactly one is fresh, and one token is live', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const record = sample.oneTime();
        await store().oneTime.put(record);
        const task: Task = { do: 'issue', record, facts: sample.facts(), now: NOW };
        const outcomes = await crowd.all(task, issuer, EACH);
        expect([errors(outcomes), fresh(outcomes).length, await livingOf(outcomes)]).toEqual([
          [],
          1,
          1,
        ]);
      }
    });

    it('[store] codes.insert: of 100 codes from several processes for one one-time record exactly one is stored', async () => {
      const { facts, authorization, session } = await withCode(store());
      for (let round = 0; round < ROUNDS; round += 1) {
        const record = sample.oneTime();
        await store().oneTime.put(record);
        const task: Task = {
          do: 'insert-code',
          record,
          facts,
          authorizationId: authorization.id,
          session: session.handle,
        };
        const outcomes = await crowd.all(task, issuer, EACH);
        const stored = outcomes.filter(({ result }) => result === 'stored');
        expect([errors(outcomes), stored.length]).toEqual([[], 1]);
      }
    });

    it('[store] keys.swap: of all processes that start at the same time exactly one stores its keys', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const outcomes = await crowd.all({ do: 'swap', expected: round }, issuer, 5);
        expect([errors(outcomes), outcomes.filter(({ result }) => result === true).length]).toEqual(
          [[], 1],
        );
      }
    });
  });

  describe.skipIf(kind.missing)('starting', () => {
    it('[store] migrate: of ten processes on an empty database none fails, and exactly one applies the migrations', async () => {
      const empty = kind.make();
      const crowd = startCrowd(10);
      const outcomes = await crowd.all({ do: 'migrate', options: empty.options }, '');
      expect(errors(outcomes)).toEqual([]);
      expect(outcomes.filter(({ result }) => (result as string[]).length > 0)).toHaveLength(1);
      const swaps = await crowd.all({ do: 'swap', expected: 0 }, 'https://new.example');
      expect([errors(swaps), swaps.filter(({ result }) => result === true).length]).toEqual([
        [],
        1,
      ]);
      await crowd.stop();
      await empty.remove();
    });

    it('[store] G-5 migrate: a process that is killed half-way does not block the next one', async () => {
      const empty = kind.make();
      const doomed = startCrowd(1);
      const [victim] = doomed.processes;
      const halfWay = new Promise<void>((resolve) =>
        victim?.on('message', (word) => word === HALF_WAY && resolve()),
      );
      const died = doomed
        .all({ do: 'migrate', options: empty.options, stall: true }, '')
        .catch(String);
      await halfWay;
      victim?.kill('SIGKILL');
      expect(await died).toContain('a worker ended');

      const next = startCrowd(1);
      const [outcome] = await next.all({ do: 'migrate', options: empty.options, stall: false }, '');
      expect(outcome?.error).toBeUndefined();
      expect(outcome?.result).toContain('9999-stalling');
      await next.stop();
      const database = sqlDatabase({ ...empty.options, ...PATIENCE });
      expect(await database.pendingMigrations()).toEqual([]);
      await withFamily(database.forIssuer('https://alive.example'), sample.facts());
      await database.close();
      await empty.remove();
    });
  });
});

function ending(
  way: 'revoke-family' | 'revoke-authorization' | 'end-session',
  familyId: string,
  authorization: Authorization,
  session: SessionKey,
): Task {
  if (way === 'revoke-family') return { do: way, id: familyId, now: NOW };
  return way === 'revoke-authorization'
    ? { do: way, authorization, now: NOW }
    : { do: way, session, now: NOW };
}
