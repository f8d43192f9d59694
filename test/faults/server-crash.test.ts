/**
 * Kills the server during its work, again and again. Afterwards everything that it answered still
 * holds, and no code worked twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES } from '../databases.ts';
import { type Cluster, type Grant, makeCluster, type Reply } from './cluster.ts';

const KILLS = 10;
const PER_SECOND = 200;
/** The number of the request with which the kill begins, different in each round. */
const killWith = (round: number): number => 60 + 7 * round;
/**
 * The number of requests that are sent together with that one, so that the kill interrupts requests
 * in every state.
 */
const BURST = 20;
/** Milliseconds from the burst to the kill, around the time that one exchange takes. */
const killLater = (round: number): number => 1 + 2 * round;

interface Attempt {
  readonly grant: Grant;
  /** Null when no complete answer arrived. */
  readonly reply: Reply | null;
}

describe.each(DATABASES)('$name', (kind) => {
  describe.skipIf(kind.missing)(
    `kill -9 at ${PER_SECOND} code exchanges a second, ${KILLS} times`,
    () => {
      let cluster: Cluster;
      beforeAll(async () => {
        cluster = await makeCluster(kind, 1);
        await cluster.start();
        // Sign the browser in, so that later codes need no page.
        await cluster.code();
      });
      afterAll(async () => {
        await cluster.end('SIGTERM');
        await cluster.remove();
      });

      /** Exchanges codes at a steady pace until the server is gone. */
      async function exchangeUntilKilled(round: number): Promise<readonly Attempt[]> {
        const grants = await Promise.all(
          Array.from({ length: PER_SECOND }, async () => await cluster.code()),
        );
        const begun = Date.now();
        const first = killWith(round);
        const dueAt = (index: number): number =>
          begun + ((index > first && index < first + BURST ? first : index) * 1000) / PER_SECOND;
        let killing: Promise<void> | null = null;
        const attempts = await Promise.all(
          grants.map(async (grant, index): Promise<Attempt> => {
            await sleep(Math.max(0, dueAt(index) - Date.now()));
            if (index === first)
              killing = sleep(killLater(round)).then(async () => await cluster.end('SIGKILL'));
            const reply = await cluster.post('token', cluster.exchange(grant)).catch(() => null);
            return { grant, reply };
          }),
        );
        await killing;
        return attempts;
      }

      const exchange = async (grant: Grant): Promise<readonly [number, string | undefined]> => {
        const { status, body } = await cluster.post('token', cluster.exchange(grant));
        return [status, body['error']];
      };
      const stillWorks = async ({
        access_token = '',
        refresh_token = '',
      }: Reply['body']): Promise<void> => {
        expect((await cluster.post('introspect', { token: access_token })).body['active']).toBe(
          true,
        );
        expect(
          (await cluster.post('token', { grant_type: 'refresh_token', refresh_token })).status,
        ).toBe(200);
      };

      it('[RFC6749 §4.1.2] K-1 every token of a received 200 is valid afterwards, and no code works twice', async () => {
        const totals = { answered: 0, cut: 0, cutAndLost: 0 };
        for (let round = 0; round < KILLS; round += 1) {
          const attempts = await exchangeUntilKilled(round);
          const answered = attempts.filter(({ reply }) => reply !== null);
          const cut = attempts.filter(({ reply }) => reply === null);
          // The kill interrupted some requests, and every answer before it was a success.
          expect([answered.length > 0, cut.length > 0]).toEqual([true, true]);
          expect(answered.filter(({ reply }) => reply?.status !== 200)).toEqual([]);
          await cluster.start();

          await Promise.all(answered.map(async ({ reply }) => await stillWorks(reply?.body ?? {})));
          // A redeemed code does not work again. A code whose answer was lost works at most once,
          // before the kill or now.
          await Promise.all(
            answered.map(async ({ grant }) =>
              expect(await exchange(grant)).toEqual([400, 'invalid_grant']),
            ),
          );
          const late = await Promise.all(
            cut.map(async ({ grant }) => [await exchange(grant), await exchange(grant)]),
          );
          for (const [first, second] of late) {
            expect([
              [200, undefined],
              [400, 'invalid_grant'],
            ]).toContainEqual(first);
            expect(second).toEqual([400, 'invalid_grant']);
          }
          totals.cutAndLost += late.filter(([first]) => first?.[0] === 400).length;
          totals.answered += answered.length;
          totals.cut += cut.length;
        }
        console.log(
          `${kind.name}: ${totals.answered} answered, ${totals.cut} cut off or refused by the kill, ${totals.cutAndLost} of them committed`,
        );
      }, 240_000);

      it('[RFC9700 §4.14.2] RT-11 a refresh token that was rotated before a restart does not work after it', async () => {
        const first = await cluster.post('token', cluster.exchange(await cluster.code()));
        const refresh = async (token: string | undefined): Promise<Reply> =>
          await cluster.post('token', { grant_type: 'refresh_token', refresh_token: token ?? '' });
        const second = await refresh(first.body['refresh_token']);
        const third = await refresh(second.body['refresh_token']);
        expect(third.status).toBe(200);
        await cluster.end('SIGKILL');
        await cluster.start();
        expect((await refresh(first.body['refresh_token'])).body['error']).toBe('invalid_grant');
        expect((await refresh(third.body['refresh_token'])).body['error']).toBe('invalid_grant');
      });
    },
  );
});
