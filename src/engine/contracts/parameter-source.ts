/**
 * Where the parameters of an authorization request come from: the request itself, or a source that
 * one of its parameters selects (a pushed request, later a request object). Sources are contributed
 * by features. If a source supplies the request, the parameters beside it are ignored.
 */
import type { Params } from '../../protocol/params.ts';
import type { OneTimeKey, Seconds } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** What selects a source. */
export interface SourceReference {
  /** Value of the selecting parameter. */
  readonly value: string;
  /** The client_id beside it. */
  readonly clientId: string;
  /** When the request arrived at the authorization endpoint; null when it arrives now. */
  readonly requestedAt: Seconds | null;
}

/** A whole request from a source. */
export interface LoadedRequest {
  /** All parameters of the request. */
  readonly params: Params;
  /** The one-time record that dies with the code the request leads to; null without one. */
  readonly consumes: OneTimeKey | null;
}

/** Another place where the whole request comes from. */
export interface ParameterSource {
  /** Names the source to rules that ask where a request came from. */
  readonly name: string;
  /** The parameter that selects it. */
  readonly parameter: string;
  /**
   * Loads the request; null when the value is of a kind that this source does not know.
   * @throws OAuthError to be shown as a page
   */
  load(ctx: RequestContext, reference: SourceReference): Promise<LoadedRequest | null>;
}

/** The name of the source when none was selected: the parameters are in the request itself. */
export const FRONT_CHANNEL = 'front-channel';

/** Parameters with their origin. */
export interface RequestParameters extends LoadedRequest {
  /** Name of the source, or `FRONT_CHANNEL`. */
  readonly source: string;
  /** What of them travels with an interaction: those that are read, or what selects the source. */
  readonly carried: Readonly<Record<string, string>>;
}
