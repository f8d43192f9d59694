/** DPoP (RFC 9449): tokens that are bound to a key of the client, which proves it at every use. */
import { DPOP_ALGS, type DpopProof } from '../../crypto/dpop-proof.ts';
import { clientField } from '../../engine/contracts/client-field.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { authorizationParameter } from '../../engine/contracts/parameter.ts';
import type { TokenConstraint } from '../../engine/contracts/token-constraint.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { updateCommand } from '../../protocol/remedies.ts';
import type { HttpRequest } from '../../web/request.ts';
import { provenKey, useProof } from './proof.ts';

/** Options of `dpop`. */
export interface DpopOptions {
  /**
   * Proofs have to carry a nonce of this provider (RFC 9449 §8), so that none is made in advance.
   * @default false
   */
  readonly requireNonce: boolean;
}

/** RFC 9449 §5.2: whether a client gets bound tokens only. */
const boundOnly = clientField<boolean>({
  wireName: 'dpop_bound_access_tokens',
  kind: 'flag',
  default: false,
  flag: 'dpop-bound-access-tokens',
  setBy: 'client',
  protects: true,
  description: 'issue it access tokens that are bound to a key by DPoP, and no others',
});

const JKT = 'dpop_jkt';
/** A SHA-256 thumbprint (RFC 7638 §3). */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

/** RFC 9449 §10: the key that the code is bound to; null without one. */
const dpopJkt = authorizationParameter<string | null>({
  names: [JKT],
  absent: null,
  read(_ctx, { params }) {
    const value = params.get(JKT) ?? null;
    if (value !== null && !THUMBPRINT.test(value))
      throw new OAuthError('invalid_request', 'dpop_jkt', 'The dpop_jkt is no SHA-256 thumbprint.');
    return value;
  },
  details: (value): Readonly<Record<string, unknown>> =>
    value === null ? {} : { cnf: { jkt: value } },
});

const ALGS = DPOP_ALGS.join(' ');
const CHALLENGE = `DPoP algs="${ALGS}"`;

function constraint({ requireNonce: needsNonce }: DpopOptions): TokenConstraint {
  /** What requests proved, until it is used: verifying a signature again would cost the most. */
  const bound = new WeakMap<HttpRequest, DpopProof>();
  return {
    name: 'dpop',
    confirmation: 'jkt',
    tokenType: 'DPoP',
    challenge: CHALLENGE,
    isRequired: boundOnly,
    async bind(ctx, client, endpoint) {
      const proven = await provenKey(ctx, { endpoint, accessToken: null, needsNonce });
      if (proven !== null) bound.set(ctx.request, proven);
      if (proven !== null || !boundOnly(client)) return proven?.thumbprint ?? null;
      throw new OAuthError('invalid_request', 'dpop_proof_missing', 'A DPoP proof is required.', {
        hint: {
          expected: 'a DPoP proof, since the client is registered with dpop_bound_access_tokens',
          received: 'none',
          remedy: `switch DPoP on in the application, or: ${updateCommand(client.clientId, '--no-dpop-bound-access-tokens')}`,
        },
      });
    },
    async use(ctx) {
      const proven = bound.get(ctx.request);
      if (proven !== undefined) await useProof(ctx, proven);
    },
    async pushed(ctx, _client, params) {
      const endpoint = 'pushed-authorization-request';
      const proven = await provenKey(ctx, { endpoint, accessToken: null, needsNonce });
      if (proven === null) return {};
      // RFC 9449 §10.1: both may be sent, and then they are the same.
      const named = params.get(JKT);
      if (named !== undefined && named !== proven.thumbprint)
        throw new OAuthError(
          'invalid_dpop_proof',
          'dpop_jkt_mismatch',
          'The dpop_jkt is not the key of the proof.',
        );
      await useProof(ctx, proven);
      return { [JKT]: proven.thumbprint };
    },
    async prove(ctx, { text }, value, endpoint) {
      try {
        const proven = await provenKey(ctx, { endpoint, accessToken: text, needsNonce });
        if (proven?.thumbprint === value) return await useProof(ctx, proven);
        if (proven !== null)
          throw new OAuthError('invalid_token', 'dpop_key_other', 'The access token is invalid.');
      } catch (error) {
        throw error instanceof OAuthError ? challenged(error) : error;
      }
      throw challenged(
        new OAuthError(
          'invalid_token',
          'dpop_proof_missing',
          'A DPoP proof of the token is required.',
        ),
      );
    },
  };
}

/** RFC 9449 §7.1: 401, with the scheme and the algorithms. */
function challenged(error: OAuthError): OAuthError {
  const { code, description } = error;
  const challenge = `DPoP error="${code}", error_description="${description}", algs="${ALGS}"`;
  return error.withStatus(401).withHeaders({ 'WWW-Authenticate': challenge });
}

/** DPoP (RFC 9449). */
export const dpop: FeatureFactory<DpopOptions> = defineFeature<DpopOptions>({
  name: 'dpop',
  description: 'Tokens that are bound to a key of the client: DPoP (RFC 9449)',
  options: {
    requireNonce: {
      kind: 'flag',
      description: 'DPoP proofs have to carry a nonce of this server',
      default: false,
    },
  },
  create: (options) => ({
    tokenConstraints: [constraint(options)],
    parameters: [dpopJkt],
    clientFields: [boundOnly],
    // RFC 9449 §5.1.
    metadata: () => ({ dpop_signing_alg_values_supported: DPOP_ALGS }),
  }),
});
