/**
 * One code, device code or refresh token, a hundred requests at the same time, three server
 * processes on one database: over HTTP, as a relying party sees it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES } from '../databases.ts';
import { type Cluster, DEVICE_GRANT, makeCluster, type Reply } from './cluster.ts';

const SERVERS = 3;
const PARALLEL = 100;
const ROUNDS = 10;

const outcomes = (replies: readonly Reply[]): Record<string, number> => {
  const counted: Record<string, number> = {};
  for (const { status, body } of replies) {
    const outcome = status === 200 ? '200' : `${status} ${body['error']}`;
    counted[outcome] = (counted[outcome] ?? 0) + 1;
  }
  return counted;
};

describe.each(DATABASES)('$name', (kind) => {
  describe.skipIf(kind.missing).each([
    { grace: 0, words: 'without grace' },
    { grace: 30, words: 'with grace' },
  ])(`${SERVERS} servers, ${PARALLEL} requests at once, ${ROUNDS} rounds, $words`, ({ grace }) => {
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await makeCluster(kind, SERVERS, {
        VALETKEY_REFRESH_TOKENS_ROTATION: 'true',
        VALETKEY_REFRESH_TOKENS_GRACE: String(grace),
      });
      await cluster.start();
    });
    afterAll(async () => {
      await cluster.end('SIGTERM');
      await cluster.remove();
    });

    const crowd = async (form: Record<string, string>): Promise<readonly Reply[]> =>
      await Promise.all(
        Array.from(
          { length: PARALLEL },
          async (_, index) => await cluster.post('token', form, index % SERVERS),
        ),
      );

    it('[RFC6749 §4.1.2] TK-02 S-1 a code gets exactly one 200, and all other requests get invalid_grant', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const replies = await crowd(cluster.exchange(await cluster.code()));
        expect(outcomes(replies)).toEqual({ 200: 1, '400 invalid_grant': PARALLEL - 1 });
      }
    });

    it('[RFC8628 §3.5] DV-03 S-2 a device code gets exactly one 200, and all other requests get invalid_grant', async () => {
      await cluster.code();
      for (let round = 0; round < ROUNDS; round += 1) {
        const replies = await crowd({
          grant_type: DEVICE_GRANT,
          device_code: await cluster.deviceCode(),
        });
        expect(outcomes(replies)).toEqual({ 200: 1, '400 invalid_grant': PARALLEL - 1 });
      }
    });

    it('[RFC6749 §6] RT-03 R-3 a refresh token gets exactly one successor', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const first = await cluster.post('token', cluster.exchange(await cluster.code()));
        const replies = await crowd({
          grant_type: 'refresh_token',
          refresh_token: first.body['refresh_token'] ?? '',
        });
        const won = replies.filter(({ status }) => status === 200);
        const successors = [...new Set(won.map(({ body }) => body['refresh_token'] ?? ''))];
        expect(successors).toHaveLength(1);
        if (grace === 0) {
          expect(outcomes(replies)).toEqual({ 200: 1, '400 invalid_grant': PARALLEL - 1 });
        } else {
          // All requests get the same pair of tokens, so that a lost answer does not end the
          // sign-in.
          expect(outcomes(replies)).toEqual({ 200: PARALLEL });
          expect(new Set(won.map(({ body }) => body['access_token'])).size).toBe(1);
          expect(
            (
              await cluster.post('token', {
                grant_type: 'refresh_token',
                refresh_token: successors[0] ?? '',
              })
            ).status,
          ).toBe(200);
        }
      }
    });
  });
});
