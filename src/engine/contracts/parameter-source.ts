/**
 * Where the parameters of an authorization request come from: the request itself, or a source that
 * one of its parameters selects (a pushed request, a request object). Sources are contributed
 * by features. If a source supplies the request, the parameters beside it are ignored.
 */
import type { OAuthError } from '../../protocol/errors.ts';
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
  /** All parameters beside it. */
  readonly sent: Params;
  /** Names of the parameters that are read of an authorization request. */
  readonly readable: readonly string[];
  /** Those of them that may be repeated. Their values travel as one, separated by spaces. */
  readonly repeatable: readonly string[];
}

/** A whole request from a source. */
export interface LoadedRequest {
  /** All parameters of the request. */
  readonly params: Params;
  /** The one-time record that dies with the code the request leads to; null without one. */
  readonly consumes: OneTimeKey | null;
  /** True when the client signed the request. @default false */
  readonly isSigned?: boolean;
  /**
   * What is wrong with it. The client hears of it where `params` says, if that is an address of
   * its own. @default nothing
   */
  readonly problem?: OAuthError | null;
  /**
   * What travels with an interaction, so that the same request is loaded again.
   * @default what selected the source
   */
  readonly carried?: Readonly<Record<string, string>>;
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
export interface RequestParameters extends Required<LoadedRequest> {
  /** Name of the source, or `FRONT_CHANNEL`. */
  readonly source: string;
}
