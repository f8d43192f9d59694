/**
 * The log line of a refusal: what the rule asks for, what came, and what would change it. Whoever
 * sent the request learns no more than the specification allows; the operator reads the rest here.
 */
import { scopeHint } from '../domain/scopes.ts';
import type { Logger } from '../domain/settings.ts';
import type { OAuthError } from '../protocol/errors.ts';
import { forLog, nameForLog } from '../protocol/remedies.ts';
import type { Client } from '../store/records.ts';
import type { EngineContext, RefusalLog } from './contracts/context.ts';

/** Lines in a minute that are alike. */
const MOST_LINES = 30;
const UNKNOWN = 'no registered client';
/** Clients and reasons that are told apart in a minute. */
const MOST_KINDS = 1000;

/** Anybody can send any number of requests: of those that are alike the first are written. */
export function createRefusalLog(logger: Logger, now: () => number): RefusalLog {
  let minute = 0;
  let lines = new Map<string, number>();
  return {
    write(facts, about, message = 'request refused') {
      const current = Math.floor(now() / 60);
      if (current !== minute) {
        for (const [reason, written] of lines) {
          const lost = written - MOST_LINES;
          if (lost > 0) logger.info({ lost, reason }, 'refusals like this were not written');
        }
        [minute, lines] = [current, new Map()];
      }
      const isNew = about !== null && !lines.has(about);
      const key = about === null || (isNew && lines.size >= MOST_KINDS) ? UNKNOWN : about;
      const written = (lines.get(key) ?? 0) + 1;
      lines.set(key, written);
      if (written <= MOST_LINES) logger.info(facts, message);
    },
  };
}

/** Tells operators which scopes of a request do not exist, or are not for this client. */
export function logLeftOut(
  { settings, refusals, request: { requestId } }: EngineContext,
  client: Client,
  asked: readonly string[],
  granted: readonly string[],
): void {
  const leftOut = asked.filter((name) => !granted.includes(name));
  if (leftOut.length === 0) return;
  const { clientId } = client;
  const { expected = '', remedy = '' } = scopeHint(settings, client, leftOut, 'for-user');
  // Anybody can send this request, which is not refused: so no command that widens the client.
  const isMissing = leftOut.some((name) => !settings.scopes.has(name));
  const hint = {
    expected,
    received: asked.map(nameForLog).join(' '),
    remedy: isMissing ? remedy : 'only if the application may have it: its option --scope',
  };
  const told = Object.entries(hint).map(([name, value]) => [name, forLog(value)]);
  const facts = { requestId, clientId, reason: 'scope_left_out', ...Object.fromEntries(told) };
  refusals.write(facts, `${clientId} scope_left_out`, 'scopes were left out');
}

/** Tells operators of a refusal. @param endpoint null where there is none at the address */
export function logRefusal(
  ctx: EngineContext,
  endpoint: string | null,
  error: Pick<OAuthError, 'code' | 'reason' | 'hint'>,
): void {
  const { clientId, request, refusals } = ctx;
  const { code, reason, hint } = error;
  const { requestId } = request;
  const told = Object.entries(hint).map(([name, value]) => [name, forLog(String(value))]);
  const about = clientId === null ? {} : { clientId };
  const facts = { endpoint, requestId, ...about, code, reason, ...Object.fromEntries(told) };
  refusals.write(facts, clientId === null ? null : `${clientId} ${reason}`);
}
