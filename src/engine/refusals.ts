/**
 * The log line of a refusal: what the rule asks for, what came, and what would change it. Whoever
 * sent the request learns no more than the specification allows; the operator reads the rest here.
 */
import type { Logger } from '../domain/settings.ts';
import type { OAuthError } from '../protocol/errors.ts';
import { forLog } from '../protocol/remedies.ts';
import type { EngineContext, RefusalLog } from './contracts/context.ts';

/** Lines in a minute about requests that name no registered client. */
const MOST_UNKNOWN = 30;

export function createRefusalLog(logger: Logger, now: () => number): RefusalLog {
  let minute = 0;
  let unknown = 0;
  return {
    write(facts, isKnown) {
      if (!isKnown) {
        const current = Math.floor(now() / 60);
        if (current !== minute) {
          if (unknown > MOST_UNKNOWN) {
            const lost = unknown - MOST_UNKNOWN;
            logger.info({ lost }, 'more requests of a minute named no registered client');
          }
          [minute, unknown] = [current, 0];
        }
        unknown += 1;
        if (unknown > MOST_UNKNOWN) return;
      }
      logger.info(facts, 'request refused');
    },
  };
}

/** Tells operators of a refusal. @param endpoint null where there is none at the address */
export function logRefusal(ctx: EngineContext, endpoint: string | null, error: OAuthError): void {
  const { clientId, request, refusals } = ctx;
  const { code, reason, hint } = error;
  const { requestId } = request;
  const told = Object.entries(hint).map(([name, value]) => [name, forLog(String(value))]);
  const about = clientId === null ? {} : { clientId };
  const facts = { endpoint, requestId, ...about, code, reason, ...Object.fromEntries(told) };
  refusals.write(facts, clientId !== null);
}
