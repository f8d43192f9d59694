/**
 * One assertion, code, device code, refresh token or subject token, a hundred requests at the same
 * time, three server processes on one database, with JWT access tokens: what may be used once is
 * used once, and nothing that was exchanged outlives its subject token.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Assembly, assemble, readSettings } from 'valetkey/server';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DATABASES } from '../databases.ts';
import { type Cluster, DEVICE_GRANT, makeCluster, type Reply } from './cluster.ts';
import { TRUSTED } from './grants-config.ts';

const SERVERS = 3;
const PARALLEL = 100;
const ROUNDS = 5;
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

const outcomes = (replies: readonly Reply[]): Record<string, number> => {
  const counted: Record<string, number> = {};
  for (const { status, body } of replies) {
    const outcome = status === 200 ? '200' : `${status} ${body['error']}`;
    counted[outcome] = (counted[outcome] ?? 0) + 1;
  }
  return counted;
};
const ONCE = { 200: 1, '400 invalid_grant': PARALLEL - 1 };

describe.each(DATABASES)('$name', (kind) => {
  describe.skipIf(kind.missing)(`${SERVERS} servers, ${PARALLEL} requests at once`, () => {
    let cluster: Cluster;
    /** A fourth process on the database: what an operator does. */
    let operator: Assembly;
    let sub = '';
    let key: Awaited<ReturnType<typeof generateKeyPair>>;
    beforeAll(async () => {
      key = await generateKeyPair('ES256');
      const keys = JSON.stringify({ keys: [await exportJWK(key.publicKey)] });
      // The application is registered in this process, with the same settings file.
      vi.stubEnv('TRUSTED_KEYS', keys);
      const env = {
        VALETKEY_CONFIG: fileURLToPath(new URL('grants-config.ts', import.meta.url)),
        VALETKEY_JWT_ACCESS_TOKENS_FORMAT: 'jwt',
        VALETKEY_REFRESH_TOKENS_GRACE: '30',
        TRUSTED_KEYS: keys,
      };
      const grantTypes = ['authorization_code', 'refresh_token', DEVICE_GRANT, EXCHANGE, BEARER];
      cluster = await makeCluster(kind, SERVERS, env, { grantTypes });
      await cluster.start();
      operator = await assemble(await readSettings({ env: { ...cluster.env, PORT: '4000' } }));
      const { access_token } = await tokens();
      sub = (await cluster.post('introspect', { token: access_token })).body['sub'] ?? '';
    });
    afterAll(async () => {
      await operator.close();
      await cluster.end('SIGTERM');
      await cluster.remove();
      vi.unstubAllEnvs();
    });

    const crowd = async (
      form: Readonly<Record<string, string>>,
      size: number = PARALLEL,
    ): Promise<readonly Reply[]> =>
      await Promise.all(
        Array.from(
          { length: size },
          async (_, index) => await cluster.post('token', form, index % SERVERS),
        ),
      );
    const assertion = async (): Promise<string> =>
      await new SignJWT({ jti: randomUUID(), sub })
        .setProtectedHeader({ alg: 'ES256' })
        .setIssuer(TRUSTED)
        .setAudience(cluster.issuer)
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(key.privateKey);
    /** Tokens of a sign-in, in a browser of its own. */
    const tokens = async (): Promise<{ access_token: string; refresh_token: string }> => {
      const { body } = await cluster.post('token', cluster.exchange(await cluster.signIn()));
      const { access_token = '', refresh_token = '' } = body;
      expect(access_token).toMatch(/^eyJ/);
      return { access_token, refresh_token };
    };
    const exchangeOf = (token: string): Record<string, string> => ({
      grant_type: EXCHANGE,
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
    /** How many of the tokens in these answers are worth something, at any of the servers. */
    const countLive = async (replies: readonly Reply[]): Promise<number> => {
      const told = await Promise.all(
        replies
          .filter(({ status }) => status === 200)
          .map(async ({ body }, index) => {
            const token = body['access_token'] ?? '';
            return await cluster.post('introspect', { token }, (index + 1) % SERVERS);
          }),
      );
      return told.filter(({ body }) => String(body['active']) === 'true').length;
    };

    it('[RFC7523 §3] [RFC7521 §5.2] an assertion gets exactly one 200, and all other requests get invalid_grant', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const replies = await crowd({ grant_type: BEARER, assertion: await assertion() });
        expect(outcomes(replies)).toEqual(ONCE);
        expect(await countLive(replies)).toBe(1);
      }
    });

    it('[RFC6749 §4.1.2] TK-02 S-1 a code gets exactly one JWT', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const replies = await crowd(cluster.exchange(await cluster.code()));
        expect(outcomes(replies)).toEqual(ONCE);
      }
    });

    it('[RFC8628 §3.5] DV-03 S-2 a device code gets exactly one JWT', async () => {
      await cluster.code();
      for (let round = 0; round < ROUNDS; round += 1) {
        const device_code = await cluster.deviceCode();
        const replies = await crowd({ grant_type: DEVICE_GRANT, device_code });
        expect(outcomes(replies)).toEqual(ONCE);
      }
    });

    it('[RFC6749 §6] RT-03 R-3 a refresh token with grace gets one successor, and everybody the same JWT', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { refresh_token } = await tokens();
        const replies = await crowd({ grant_type: 'refresh_token', refresh_token });
        expect(outcomes(replies)).toEqual({ 200: PARALLEL });
        for (const member of ['access_token', 'refresh_token'])
          expect(new Set(replies.map(({ body }) => body[member])).size).toBe(1);
        expect(await countLive(replies.slice(0, SERVERS))).toBe(SERVERS);
      }
    });

    it('[RFC8693 §2.2.1] IR-04 a token is exchanged by all, and all of it ends with its revocation', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { access_token } = await tokens();
        const replies = await crowd(exchangeOf(access_token));
        expect(outcomes(replies)).toEqual({ 200: PARALLEL });
        expect(new Set(replies.map(({ body }) => body['access_token'])).size).toBe(PARALLEL);
        expect(await countLive(replies)).toBe(PARALLEL);
        await cluster.post('revoke_token', { token: access_token }, round % SERVERS);
        expect(await countLive(replies)).toBe(0);
      }
    });

    const ends: readonly [
      what: string,
      end: (held: { access_token: string; refresh_token: string }) => Promise<unknown>,
    ][] = [
      [
        'the revocation of the subject token',
        async ({ access_token: token }) => await cluster.post('revoke_token', { token }, 1),
      ],
      [
        'the revocation of its refresh token',
        async ({ refresh_token: token }) => await cluster.post('revoke_token', { token }, 2),
      ],
      [
        'the end of all that the person has',
        async () => await operator.provider.subjects.revoke(sub),
      ],
      [
        'the withdrawal of the consent',
        async () => await operator.provider.subjects.withdraw(sub, cluster.clientId),
      ],
    ];
    it.each(ends)(
      '[RFC8693 §2.2.1] [RFC7009 §2] RV-04 %s while it is exchanged leaves nothing alive',
      async (_what, end) => {
        let exchanged = 0;
        for (let round = 0; round < ROUNDS; round += 1) {
          const held = await tokens();
          const form = exchangeOf(held.access_token);
          // They arrive during a fifth of a second, and the end comes among them.
          const ended = sleep(20 + 20 * round).then(async () => await end(held));
          const replies = await Promise.all(
            Array.from({ length: PARALLEL }, async (_, index) => {
              await sleep(2 * index);
              return await cluster.post('token', form, index % SERVERS);
            }),
          );
          await ended;
          exchanged += replies.filter(({ status }) => status === 200).length;
          // RFC 8693 §2.2.2: a subject token that is worth nothing is invalid_request.
          const refused = replies.filter(({ status }) => status !== 200);
          expect(
            Object.keys(outcomes(refused)).filter((one) => one !== '400 invalid_request'),
          ).toEqual([]);
          expect(await countLive(replies)).toBe(0);
          expect(outcomes(await crowd(form, SERVERS))).toEqual({ '400 invalid_request': SERVERS });
        }
        console.log(`${kind.name}: ${exchanged} of ${ROUNDS * PARALLEL} were exchanged`);
        expect(exchanged).toBeGreaterThan(0);
      },
    );
  });
});
