/**
 * The laws of the store between real processes: single use, and revocation during rotation. The
 * processes are on one database, or each on another server of a cluster.
 */
import { randomUUID } from 'node:crypto';
import type { Authorization, SessionKey } from 'valetkey';
import { type SqlOptions, sqlDatabase } from 'valetkey/sql';
import { sample, withClient, withCode, withFamily } from 'valetkey/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Outcome, Task } from './worker.ts';
import { type Crowd, startCrowd } from './workers.ts';

export const PROCESSES = 4;
const EACH = 25;
const NOW = 1_800_000_000;
/** Milliseconds. These tests are about who wins, not about how long a busy disk may take. */
export const PATIENCE = { timeout: 30_000 };

/** Where the processes work. */
export interface Place {
  /** How to open the database, for each process in turn. Called before the first test. */
  options(): Promise<readonly SqlOptions[]>;
  remove(): Promise<void>;
}

export const errors = (outcomes: readonly Outcome[]): unknown[] =>
  outcomes.flatMap(({ error }) => (error === undefined ? [] : [error]));
const fresh = (outcomes: readonly Outcome[]): Outcome[] =>
  outcomes.filter(({ result }) => result === 'fresh');

async function firstOf(place: Place): Promise<SqlOptions> {
  const [first] = await place.options();
  if (first === undefined) throw new Error('no database');
  return first;
}

/** Declares a test for each law. */
export function raceLaws(place: Place, rounds: number): void {
  const issuer = `https://${randomUUID()}.example`;
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
    database = sqlDatabase({ ...(await firstOf(place)), ...PATIENCE });
    await database.migrate();
    crowd = startCrowd(PROCESSES);
    const opening = (await place.options()).map(
      (options): Task => ({ do: 'open', options: { ...options, ...PATIENCE } }),
    );
    expect(errors(await crowd.all(opening, issuer))).toEqual([]);
  }, 120_000);
  afterAll(async () => {
    await crowd.stop();
    await database.close();
    await place.remove();
  }, 120_000);

  it('[store] redeem: of 100 calls from several processes exactly one is fresh, none throws, and one token is live', async () => {
    for (let round = 0; round < rounds; round += 1) {
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
    for (let round = 0; round < rounds; round += 1) {
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
      for (let round = 0; round < rounds; round += 1) {
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
      for (let round = 0; round < rounds; round += 1) {
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
    for (let round = 0; round < rounds; round += 1) {
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
    for (let round = 0; round < rounds; round += 1) {
      const record = sample.oneTime();
      await store().oneTime.put(record);
      const task: Task = { do: 'issue', record, facts: await withClient(store()), now: NOW };
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
    for (let round = 0; round < rounds; round += 1) {
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
    for (let round = 0; round < rounds; round += 1) {
      const outcomes = await crowd.all({ do: 'swap', expected: round }, issuer, 5);
      expect([errors(outcomes), outcomes.filter(({ result }) => result === true).length]).toEqual([
        [],
        1,
      ]);
    }
  });
}

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
