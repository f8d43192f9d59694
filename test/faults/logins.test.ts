/**
 * Sign-ins beside tokens: a password hash takes a core for a while, and signing needs a thread of
 * the same pool. A steady stream of sign-ins does not slow tokens down much, and in a burst of them
 * tokens still come.
 */
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES, type DatabaseKind } from '../databases.ts';
import { start, stop, untilPrinted } from '../processes.ts';
import { type Cluster, makeCluster } from './cluster.ts';
import { atPace, quantile } from './pace.ts';

const FAMILIES = 40;
const CONNECTIONS = 8;
const TOKENS_PER_SECOND = 40;
const LOGINS_PER_SECOND = 20;
const SECONDS = 10;
const BURST = 600;
/** Milliseconds. On a machine that is busy with others, times below it mean nothing. */
const NOISE = 500;

describe('sign-ins beside tokens', () => {
  let cluster: Cluster;
  const refreshTokens: string[] = [];
  /** An application keeps its connections. A new one is accepted after those of the crowd. */
  const application = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
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
    application.destroy();
    await cluster.end('SIGKILL');
    await cluster.remove();
  });

  /** What the token endpoint answers on one of the application's connections. */
  const ask = async (form: Readonly<Record<string, string>>): Promise<Record<string, unknown>> =>
    await new Promise((resolve, reject) => {
      const headers = {
        authorization: cluster.authorization,
        'content-type': 'application/x-www-form-urlencoded',
      };
      const url = `${cluster.issuer}/o/token/`;
      request(url, { agent: application, method: 'POST', headers }, (response) => {
        const { statusCode: status } = response;
        text(response)
          .then((body) => resolve({ status, ...(JSON.parse(body) as object) }))
          .catch(reject);
      })
        .once('error', reject)
        .end(String(new URLSearchParams(form)));
    });

  /** Milliseconds of each token, with an ID token. */
  const tokens = async (seconds: number): Promise<readonly number[]> => {
    const times: number[] = [];
    await atPace(TOKENS_PER_SECOND, seconds, async () => {
      while (refreshTokens.length === 0) await sleep(5);
      const form = { grant_type: 'refresh_token', refresh_token: refreshTokens.shift() ?? '' };
      const begun = performance.now();
      const body = await ask(form);
      times.push(performance.now() - begun);
      expect([body['status'], typeof body['id_token']]).toEqual([200, 'string']);
      refreshTokens.push(String(body['refresh_token']));
    });
    return times;
  };

  it(`${LOGINS_PER_SECOND} a second leave the slowest tokens within twice their time, or half a second`, async () => {
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
    const { issuer, clientId } = cluster;
    const crowd = start('test/faults/crowd.ts', [issuer, clientId, String(BURST)]);
    try {
      await untilPrinted(crowd, 'ready');
      // The application has its connections, as it has them on any other day.
      await Promise.all(Array.from({ length: CONNECTIONS }, async () => await tokens(1)));
      crowd.child.kill('SIGUSR2');
      const times = await tokens(SECONDS);
      expect(await crowd.ended).toBe(0);
      const [, said = '{}'] = /ready\s+(.+)/.exec(crowd.output()) ?? [];
      const { signedIn, refused, others } = JSON.parse(said) as {
        readonly signedIn: number;
        readonly refused: number;
        readonly others: readonly string[];
      };
      console.log(
        `a burst of ${BURST} sign-ins: ${signedIn} signed in, ${refused} told to try again; ` +
          `tokens beside it: p50 ${quantile(times, 0.5)}, p99 ${quantile(times, 0.99)}, slowest ${quantile(times, 1)} ms`,
      );
      expect(others).toEqual([]);
      expect(signedIn + refused).toBe(BURST);
      expect(signedIn).toBeGreaterThan(0);
      expect(quantile(times, 0.99)).toBeLessThan(NOISE);
    } finally {
      await stop(crowd, 'SIGKILL');
    }
  }, 300_000);
});
