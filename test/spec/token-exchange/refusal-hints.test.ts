/** What operators read of an exchange that is refused: what was expected, received, and helps. */
import { describe, expect, it } from 'vitest';
import { ACCESS_TOKEN, exchange, exchangeWorld, subjectToken } from './exchange.ts';

type Line = Readonly<Record<string, unknown>>;

const JWT = 'urn:ietf:params:oauth:token-type:jwt';

describe('the log line of a refusal', () => {
  it.each<[fields: Readonly<Record<string, string>>, line: Line]>([
    [
      { subject_token_type: 'urn:example:other' },
      {
        reason: 'token_type',
        expected: `${ACCESS_TOKEN} or ${JWT}`,
        received: 'urn:example:other',
      },
    ],
    [{ requested_token_type: JWT }, { reason: 'requested_token_type', expected: ACCESS_TOKEN }],
    [
      { subject_token: 'a refresh token' },
      { reason: 'subject_token', received: 'no access token' },
    ],
    [
      { scope: 'read admin' },
      { reason: 'scope_grew', expected: 'openid read write', received: 'read admin' },
    ],
    [{}, { reason: 'exchange_denied', expected: 'what tokenExchange.policy allows' }],
  ])('for %j says %j', async (fields, line) => {
    const lines: Line[] = [];
    const note = (facts: object): void => void lines.push({ ...facts });
    const logger = { info: note, warn: note, error: note };
    const world = await exchangeWorld(() => null, {}, { logger });
    const token = await subjectToken(world);
    expect((await exchange(world, token, fields)).status).toBe(400);
    const logged = lines.at(-1) ?? {};
    expect(logged).toMatchObject(line);
    // No token stands in a log.
    expect(JSON.stringify(lines)).not.toContain(token);
  });
});
