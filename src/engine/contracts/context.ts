/**
 * What endpoints and flows may use: everything of the request, and everything that features bring.
 */
import type { RequestContext } from '../../web/request.ts';
import type { Engine } from './engine.ts';

/** Writes refusals to the log. */
export interface RefusalLog {
  /**
   * Writes a line, unless many like it were written in this minute.
   * @param about what lines are alike: a client and a reason; null for requests that name no
   * registered client
   * @param message what happened
   * @default 'request refused'
   */
  write(facts: object, about: string | null, message?: string): void;
}

/** A context with the request and with everything that features contribute. */
export interface EngineContext extends RequestContext {
  /** Everything that features contribute. */
  readonly engine: Engine;
  /** The registered client that asks or calls, for the log; null until it is known. */
  clientId: string | null;
  /** Where refusals are told to operators. */
  readonly refusals: RefusalLog;
}
