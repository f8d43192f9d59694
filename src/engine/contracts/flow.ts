/**
 * The contract of a flow: what interactions pause, and how it ends. The core brings `authorize`; a
 * feature that asks people for consent in another way (a device) brings its own, and the same steps
 * and the same driver serve it.
 */
import type { Account } from '../../domain/accounts.ts';
import type { Interaction } from '../../domain/interactions.ts';
import type { AuthorizationRequest } from '../../protocol/authorization-request.ts';
import type { OAuthError } from '../../protocol/errors.ts';
import type { Client, Session } from '../../store/records.ts';
import type { EngineContext } from './context.ts';
import type { Situation } from './step.ts';

/** A flow of which an interaction was opened: who asks is known, and where refusals go. */
export interface OpenedFlow {
  /** The flow. */
  readonly flow: Flow;
  /** The client that asks. */
  readonly client: Client;
  /** Where the answer goes; null when a page of ours is the answer. */
  readonly redirectUri: string | null;
  /** What is asked for. @throws OAuthError to be given to `refuse` */
  request(): Promise<AuthorizationRequest>;
  /**
   * Called when every step is done. Resolves to null when the facts changed meanwhile: then the
   * steps are asked again.
   */
  complete(ctx: EngineContext, end: FlowEnd): Promise<Response | null>;
  /** Tells the client, or the user, that the request is refused. */
  refuse(ctx: EngineContext, error: OAuthError): Promise<Response>;
}

/** The facts when every step is done. */
export interface FlowEnd extends Situation {
  readonly session: Session;
  readonly account: Account;
  /** False when no page was shown: the interaction then exists in memory alone. */
  readonly continued: boolean;
}

/** A way to ask people for an authorization. */
export interface Flow {
  /** Stands in interactions. */
  readonly name: string;
  /** Name of the endpoint where the browser goes on after a decision. */
  readonly endpoint: string;
  /** Opens an interaction of this flow. @throws OAuthError to be shown as a page */
  open(ctx: EngineContext, interaction: Interaction): Promise<OpenedFlow>;
}

/** The flows there are, by name. */
export type Flows = ReadonlyMap<string, Flow>;
