/**
 * The contract of a grant type: read its parameters, prove what they entitle to, issue nothing. The
 * token endpoint owns what all grants share; tokens are issued in `domain/issuance.ts`.
 */
import type { Confirmation } from '../../domain/confirmations.ts';
import type { Redemption } from '../../domain/redemption.ts';
import { isPublic } from '../../protocol/client-metadata-rules.ts';
import { OAuthError } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/params.ts';
import type { Client } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** A grant type with parameters of type `P`. */
export interface GrantDefinition<P> {
  /** The `grant_type` value. */
  readonly type: string;
  /**
   * False for a grant that proves by a record which a revocation of the subject ends, or that has
   * no subject. For any other the token endpoint asks before each proof how many revocations there
   * were, which costs a round trip, so that a proof under way cannot slip past one.
   * @default true
   */
  readonly provesSubject?: boolean;
  /**
   * True for a grant that only clients may use which prove themselves: whoever finds what it takes
   * could use it otherwise. Asked before anything is proved.
   * @default false
   */
  readonly confidentialOnly?: boolean;
  /**
   * Reads and checks the shape of its parameters, before the client is authenticated.
   * @throws OAuthError
   */
  params(params: Params): P;
  /**
   * Proves that the client may have tokens. Writes nothing, except to count or punish abuse. Called
   * again when another request consumed first what it proved, and, with the client as it is then,
   * when another node changed the client.
   * @param confirmation the keys that the request proves; `requireSame` holds a grant to its own
   *   before it punishes
   * @throws OAuthError
   */
  redeem(
    ctx: RequestContext,
    client: Client,
    params: P,
    confirmation: Confirmation,
  ): Promise<Redemption>;
}

/** The proof of a grant whose parameters were read. */
export type GrantProof = (
  ctx: RequestContext,
  client: Client,
  confirmation: Confirmation,
) => Promise<Redemption>;

/** A grant type as the token endpoint sees it, without the type of its parameters. */
export interface Grant {
  /** The `grant_type` value. */
  readonly type: string;
  /** Its proof says who somebody is: count the revocations before it. */
  readonly provesSubject: boolean;
  /** Reads the parameters and returns the proof to run once the client is known. */
  prepare(params: Params): GrantProof;
}

/** Makes a grant from its definition. */
export function defineGrant<P>(definition: GrantDefinition<P>): Grant {
  return {
    type: definition.type,
    provesSubject: definition.provesSubject ?? true,
    prepare(params) {
      const read = definition.params(params);
      return async (ctx, client, confirmation) => {
        // RFC 6749 §4.4: only confidential clients. Registration may say so too; this counts.
        if (definition.confidentialOnly === true && isPublic(client))
          throw new OAuthError(
            'unauthorized_client',
            'client_not_confidential',
            'A client that proves nothing may not use this grant_type.',
          );
        return await definition.redeem(ctx, client, read, confirmation);
      };
    },
  };
}
