/**
 * What endpoints and flows may use: everything of the request, and everything that features bring.
 */
import type { RequestContext } from '../../web/request.ts';
import type { Engine } from './engine.ts';

/** Writes refusals to the log. */
export interface RefusalLog {
  /**
   * @param isKnown false for requests that name no registered client: anybody can send any number
   * of them, so only the first of each minute are written, and then how many there were
   */
  write(facts: object, isKnown: boolean): void;
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
