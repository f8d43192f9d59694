/** What operators read of an exchange that is refused: what was expected, received, and helps. */
import { describe, expect, it } from 'vitest';
import { getTokens, post, type World } from '../setup.ts';
import { ACCESS_TOKEN, exchange, exchangeWorld, subjectToken } from './exchange.ts';

type Line = Readonly<Record<string, unknown>>;
type Fields = Readonly<Record<string, string>>;

const JWT = 'urn:ietf:params:oauth:token-type:jwt';

/** A token that was revoked. */
async function revoked(world: World): Promise<Fields> {
  const token = await subjectToken(world);
  await post(world, 'revoke-token', { token });
  return { subject_token: token };
}

describe('the log line of a refusal', () => {
  it.each<[what: string, fields: Fields | ((world: World) => Promise<Fields>), line: Line]>([
    [
      'another type of token',
      { subject_token_type: 'urn:example:other' },
      {
        reason: 'token_type',
        expected: `${ACCESS_TOKEN} or ${JWT}`,
        received: 'urn:example:other',
      },
    ],
    [
      'another type that is wanted',
      { requested_token_type: JWT },
      { reason: 'requested_token_type', expected: ACCESS_TOKEN },
    ],
    [
      'a refresh token',
      async (world) => ({ subject_token: (await getTokens(world)).refresh_token }),
      { reason: 'subject_token', received: 'no access token' },
    ],
    [
      'a token that was revoked',
      revoked,
      { reason: 'subject_token', received: 'one that has ended, or of another provider' },
    ],
    [
      'more scopes',
      { scope: 'read admin' },
      { reason: 'scope_grew', expected: 'openid read write', received: 'read admin' },
    ],
    [
      'what the policy refuses',
      {},
      { reason: 'exchange_denied', expected: 'what tokenExchange.policy allows' },
    ],
  ])('of %s says what was expected or received, and holds no token', async (_what, more, line) => {
    const world = await exchangeWorld(() => null);
    const token = await subjectToken(world);
    const fields = typeof more === 'function' ? await more(world) : more;
    expect((await exchange(world, token, fields)).status).toBe(400);
    expect(world.refusals.at(-1)).toMatchObject(line);
    for (const secret of [token, fields['subject_token'] ?? token])
      expect(JSON.stringify(world.refusals)).not.toContain(secret);
  });
});
