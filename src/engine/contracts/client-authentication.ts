/**
 * The contract of a client authentication method. The phase that runs the methods, the same for
 * every endpoint, is `authenticate-client.ts`.
 */
import type { CompleteClientMetadata } from '../../protocol/client-metadata.ts';
import type { CredentialKind } from '../../protocol/client-metadata-rules.ts';
import { OAuthError, type RefusalHint } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/params.ts';
import type { Client } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** Credentials found in a request. */
export interface PresentedCredentials {
  /** Who they say they are. */
  readonly clientId: string;
  /**
   * Resolves to null when they prove this client, else to the refusal; only its reason is used,
   * since all failures look alike. Called with the registered client of `clientId` alone.
   */
  verify(client: Client): Promise<OAuthError | null>;
}

/** A client authentication method (RFC 6749 §2.3, RFC 7591 §2). */
export interface ClientAuthenticationMethod {
  /** Its name in `token_endpoint_auth_method`. */
  readonly name: string;
  /**
   * Further values of `token_endpoint_auth_method` that allow it: a client registered so may use
   * any of the methods that share the value. @default none
   */
  readonly registeredAs?: readonly string[];
  /** What a client needs to use it: decides whether registration makes a secret. */
  readonly needs: CredentialKind;
  /**
   * True where the credentials come with the connection and not with the request, as a certificate
   * does: they count only for a client that is registered for them, and where the request has no
   * other proof.
   * @default false
   */
  readonly isAmbient?: boolean;
  /**
   * What an operator can change when a client that is registered for it shows no credentials: a
   * phrase for the log. @default about its secret
   */
  readonly remedy?: string;
  /**
   * What the metadata of a client with this method lacks, as a phrase that continues its name; null
   * when nothing is missing.
   * @default nothing is asked for
   */
  problem?(metadata: CompleteClientMetadata): string | null;
  /**
   * Algorithms that may sign what it proves itself by: values of `token_endpoint_auth_signing_alg`.
   * @default none
   */
  readonly algs?: readonly string[];
  /**
   * Credentials of this method in the request; null when there are none; 'malformed' when there are
   * but cannot be read.
   */
  detect(ctx: RequestContext, params: Params): PresentedCredentials | 'malformed' | null;
}

/** What every failed client authentication says; the reason goes to the log and the audit log. */
export const CLIENT_AUTHENTICATION_FAILED = 'Client authentication failed.';

/** The refusal of a client that did not prove itself. @param hint for the log of the operator */
export function clientNotProven(reason: string, hint: RefusalHint = {}): OAuthError {
  return new OAuthError('invalid_client', reason, CLIENT_AUTHENTICATION_FAILED, { hint });
}
