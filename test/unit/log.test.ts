/**
 * What the server writes to its log: the fields on the list, and of an error no more than says what
 * went wrong.
 */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { serverLog } from '../../src/server/log.ts';

const SECRET = 'vkrt_a-token-that-must-not-be-written';
let lines: string[] = [];
beforeEach(() => {
  lines = [];
  const stream = { write: (line: string) => void lines.push(line) };
  vi.spyOn(pino, 'destination').mockReturnValue(
    stream as unknown as ReturnType<typeof pino.destination>,
  );
});
afterEach(() => {
  vi.restoreAllMocks();
});
const written = (): Record<string, unknown> =>
  JSON.parse(lines.at(-1) ?? 'null') as Record<string, unknown>;

describe('the log of the server', () => {
  it.each(['info', 'warn', 'error'] as const)(
    'ST-02 %s writes the fields it knows, and no other',
    (level) => {
      serverLog('debug')[level](
        {
          reason: 'code_replayed',
          clientId: 'c',
          token: SECRET,
          refresh_token: SECRET,
          detail: { x: SECRET },
        },
        'refused',
      );
      expect(Object.keys(written()).sort()).toEqual(['clientId', 'level', 'msg', 'reason', 'time']);
      expect(written()).toMatchObject({ reason: 'code_replayed', clientId: 'c', msg: 'refused' });
      expect(lines.join('')).not.toContain(SECRET);
    },
  );
  it('ST-02 of an error it writes name, message, code and stack, down its causes, and nothing a driver hung on it', () => {
    const cause = Object.assign(new TypeError('inner'), { code: 'E1', parameters: [SECRET] });
    serverLog('error').error(
      { error: Object.assign(new Error('outer', { cause }), { code: 5, row: { secret: SECRET } }) },
      'failed',
    );
    expect(written()['error']).toEqual({
      name: 'Error',
      message: 'outer',
      stack: expect.any(String),
      cause: { name: 'TypeError', message: 'inner', code: 'E1', stack: expect.any(String) },
    });
    expect(lines.join('')).not.toContain(SECRET);
  });
  it('ST-02 of causes that go round it writes only so many', () => {
    const error = new Error('round');
    error.cause = error;
    serverLog('error').error({ error }, 'failed');
    expect(lines.join('').match(/"message":"round"/g)).toHaveLength(4);
  });
  it('shows refusals by default, and nothing when it is silent', () => {
    serverLog('info').info({ reason: 'client_secret_wrong' }, 'request refused');
    expect(written()).toMatchObject({ reason: 'client_secret_wrong', msg: 'request refused' });
    lines = [];
    serverLog('warn').info({ reason: 'x' }, 'request refused');
    serverLog('silent').error({ reason: 'x' }, 'request failed');
    expect(lines).toEqual([]);
  });
  it('is one line for people on a terminal', () => {
    serverLog('info', true).info(
      {
        endpoint: 'authorize',
        requestId: 'abc',
        clientId: 'web',
        code: 'invalid_request',
        reason: 'code_challenge_missing',
        expected: 'PKCE',
        received: 'neither',
        remedy: 'npx valetkey application update --client-id web --no-require-pkce',
      },
      'request refused',
    );
    expect(lines.join('')).toMatch(
      /^\d\d:\d\d:\d\d · request refused: code_challenge_missing \(client web at authorize\); expected PKCE; received neither; to change it: npx valetkey application update --client-id web --no-require-pkce \[abc\]\n$/,
    );
    serverLog('info', true).error({ error: new Error('gone') }, 'request failed');
    expect(lines.at(-1)).toMatch(/error request failed\nError: gone\n +at /);
  });
});
