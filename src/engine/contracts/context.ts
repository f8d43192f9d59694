/**
 * What endpoints and flows may use: everything of the request, and everything that features bring.
 */
import type { RequestContext } from '../../web/request.ts';
import type { Engine } from './engine.ts';

/** A context with the request and with everything that features contribute. */
export interface EngineContext extends RequestContext {
  /** Everything that features contribute. */
  readonly engine: Engine;
}
