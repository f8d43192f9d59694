/**
 * Sign-ins beside tokens: a password hash takes a core for a while, and signing needs a thread of
 * the same pool. A steady stream of sign-ins does not slow tokens down much, and in a burst of them
 * tokens still come. The browsers run in this process, so the times of the burst are upper bounds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES, type DatabaseKind } from '../databases.ts';
import { type Cluster, makeCluster } from './cluster.ts';
import { atPace, quantile } from './pace.ts';

const FAMILIES = 40;
const TOKENS_PER_SECOND = 40;
const LOGINS_PER_SECOND = 20;
const SECONDS = 10;
const BURST = 600;
/** Milliseconds within which a busy machine makes any difference. */
const NOISE = 500;

describe('sign-ins beside tokens', () => {
  let cluster: Cluster;
  const refreshTokens: string[] = [];
  beforeAll(async () => {
    const sqlite = DATABASES.find(({ name }) => name === 'SQLite') as DatabaseKind;
    const many = '100000/900';
    cluster = await makeCluster(sqlite, 1, {
      VALETKEY_RATE_LIMITS_LOGIN: many,
      VALETKEY_RATE_LIMITS_LOGIN_BY_ADDRESS: many,
    });
    await cluster.start();
    for (let count = 0; count < FAMILIES; count += 1) {
      const { body } = await cluster.post('token', cluster.exchange(await cluster.code()));
      refreshTokens.push(String(body['refresh_token']));
    }
  }, 120_000);
  afterAll(async () => {
    await cluster.end('SIGKILL');
    await cluster.remove();
  });

  /** Milliseconds of each token, with an ID token. */
  const tokens = async (seconds: number): Promise<readonly number[]> => {
    const times: number[] = [];
    await atPace(TOKENS_PER_SECOND, seconds, async () => {
      while (refreshTokens.length === 0) await sleep(5);
      const form = { grant_type: 'refresh_token', refresh_token: refreshTokens.shift() ?? '' };
      const begun = performance.now();
      const { status, body } = await cluster.post('token', form);
      times.push(performance.now() - begun);
      expect([status, typeof body['id_token']]).toEqual([200, 'string']);
      refreshTokens.push(String(body['refresh_token']));
    });
    return times;
  };

  it(`${LOGINS_PER_SECOND} a second leave the slowest tokens within twice their time`, async () => {
    await tokens(3);
    const alone = await tokens(SECONDS);
    const answers: number[] = [];
    const signingIn = atPace(LOGINS_PER_SECOND, SECONDS, async () => {
      const begun = performance.now();
      await cluster.signIn();
      answers.push(performance.now() - begun);
    });
    const beside = await tokens(SECONDS);
    await signingIn;
    const [before, after] = [quantile(alone, 0.99), quantile(beside, 0.99)];
    console.log(
      `tokens: p50 ${quantile(alone, 0.5)} and p99 ${before} ms alone, ` +
        `p50 ${quantile(beside, 0.5)} and p99 ${after} ms beside ${LOGINS_PER_SECOND} sign-ins a second ` +
        `(${answers.length} sign-ins, p50 ${quantile(answers, 0.5)} ms)`,
    );
    expect(after).toBeLessThan(Math.max(2 * before, NOISE));
  }, 120_000);

  it(`${BURST} at once are each answered, and tokens still come beside them`, async () => {
    const outcomes: string[] = [];
    const burst = Promise.all(
      Array.from({ length: BURST }, async () => {
        try {
          await cluster.signIn();
          outcomes.push('signed in');
        } catch (error) {
          outcomes.push(/no code: (\d+)/.exec(String(error))?.[1] ?? String(error));
        }
      }),
    );
    const times = await tokens(SECONDS);
    await burst;
    const count = (outcome: string): number => outcomes.filter((one) => one === outcome).length;
    console.log(
      `a burst of ${BURST} sign-ins: ${count('signed in')} signed in, ${count('503')} told to try again; ` +
        `tokens beside it: p50 ${quantile(times, 0.5)}, p99 ${quantile(times, 0.99)}, slowest ${quantile(times, 1)} ms`,
    );
    expect(count('signed in') + count('503')).toBe(BURST);
    expect(quantile(times, 0.5)).toBeLessThan(NOISE);
  }, 300_000);
});
