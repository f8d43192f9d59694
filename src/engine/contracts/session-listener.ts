/**
 * The contract of what clients learn of the end of a session in which they took part: by a call
 * from this server, or by the browser of the user.
 */
import type { Context } from '../../domain/context.ts';
import type { Delivery } from '../../store/deliveries.ts';
import type { Client, Session } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** One way to tell clients. */
export interface SessionListener {
  /** Its name. */
  readonly name: string;
  /** Whether a client wants to be told this way. */
  isFor(client: Client): boolean;
  /**
   * Tells the client. Called again later when it fails.
   * @throws OutboundError, or any other error, when the client was not told
   */
  deliver?(ctx: Context, client: Client, delivery: Delivery): Promise<void>;
  /** The address that the browser of the user loads in a frame after a logout. */
  frame?(ctx: Context, client: Client, session: Pick<Session, 'sid'>): string;
  /** Cookies for the browser whose session ends by a logout, as values of `Set-Cookie`. */
  cookies?(ctx: RequestContext): readonly string[];
}
