/**
 * Introspection responses as signed JWTs, encrypted where the resource server is registered so (RFC
 * 9701): an API can prove later what it was told.
 */
import { sealerFor } from '../../domain/sealing.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import type { Contributions } from '../../engine/contracts/feature.ts';
import { encryptionFields, signingField } from '../../engine/response-objects.ts';
import { defaultSigningAlg } from '../../protocol/names.ts';
import type { Client } from '../../store/records.ts';
import { jwtResponse } from '../../web/respond.ts';

const MEDIA_TYPE = 'application/token-introspection+jwt';
const TYPE = 'token-introspection+jwt';
const WHAT = 'its introspection responses';

const { algFor, field, clientCheck } = signingField('introspection', WHAT);
const encryption = encryptionFields('introspection', WHAT);

/** What the feature contributes for it. */
export const jwtResponses: Required<
  Pick<Contributions, 'clientFields' | 'clientChecks' | 'metadata'>
> = {
  clientFields: [field, ...encryption.clientFields],
  clientChecks: [clientCheck, ...encryption.clientChecks],
  metadata: ({ idTokenAlgs }) => ({
    introspection_signing_alg_values_supported: idTokenAlgs,
    ...encryption.metadata,
  }),
};

/**
 * What answers with a JWT; null for a request that does not ask for one (RFC 9701 §4).
 * @throws OAuthError when no key of the caller fits
 */
export async function jwtResponseFor(
  ctx: EngineContext,
  caller: Client,
): Promise<((answer: object) => Promise<Response>) | null> {
  const accepted = (ctx.request.headers.get('accept') ?? '').toLowerCase();
  if (!accepted.split(',').some((one) => one.split(';', 1)[0]?.trim() === MEDIA_TYPE)) return null;
  const alg = algFor(caller) ?? defaultSigningAlg(ctx.settings.idTokenAlgs);
  const seal = await sealerFor(ctx, caller, { object: 'introspection', alg, typ: TYPE });
  return async (answer) => {
    const jwt = await seal({
      // RFC 9701 §5: iss, aud and iat; the claims of the token stand apart.
      iss: ctx.settings.issuer,
      aud: caller.clientId,
      iat: ctx.now(),
      token_introspection: answer,
    });
    return jwtResponse(jwt, MEDIA_TYPE);
  };
}
