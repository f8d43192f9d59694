/**
 * Authorization responses as a JWT (JARM, JWT Secured Authorization Response Mode for OAuth 2.0):
 * signed, and encrypted for clients registered so.
 */
import { type Sealer, sealerFor } from '../../domain/sealing.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import type { ResponseMode, ResponseParameters } from '../../engine/contracts/response-type.ts';
import { encryptionFields, signingField } from '../../engine/response-objects.ts';
import type { Client } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** Seconds for which a response is valid: JARM §2.1 recommends at most ten minutes. */
const LIFETIME = 300;

const { algFor, field, clientCheck } = signingField('authorization', 'its authorization responses');
const encryption = encryptionFields('authorization', 'its authorization responses');

async function sealer(ctx: RequestContext, client: Client): Promise<Sealer> {
  const { idTokenAlgs } = ctx.settings;
  // JARM §3: RS256 where the client registered nothing.
  const usual = idTokenAlgs.includes('RS256') ? 'RS256' : client.idTokenSignedResponseAlg;
  const alg = algFor(client) ?? usual;
  return await sealerFor(ctx, client, { object: 'authorization', alg });
}

/** JARM §2.1: iss, aud and exp beside the parameters; state and iss are inside as well. */
async function wrapped(
  ctx: RequestContext,
  client: Client,
  parameters: ResponseParameters,
): Promise<ResponseParameters> {
  const seal = await sealer(ctx, client);
  const { issuer: iss } = ctx.settings;
  const now = ctx.now();
  const claims = { iss, aud: client.clientId, exp: now + LIFETIME, iat: now };
  return { response: await seal({ ...parameters, ...claims }) };
}

async function ready(ctx: RequestContext, client: Client): Promise<void> {
  await sealer(ctx, client);
}

const mode = (base: string, carriesTokens: boolean): ResponseMode => ({
  name: `${base}.jwt`,
  carriesTokens,
  wraps: { mode: base, ready, parameters: wrapped },
});

const MODES: readonly ResponseMode[] = [
  // JARM §2.3.4: the default of the response type, as a JWT.
  {
    name: 'jwt',
    carriesTokens: true,
    shortFor: (tokens) => (tokens ? 'fragment.jwt' : 'query.jwt'),
  },
  // JARM §2.3.1: no tokens in a query.
  mode('query', false),
  mode('fragment', true),
  mode('form_post', true),
];

/** Authorization responses as a JWT (JARM). */
export const jarm: FeatureFactory = defineFeature({
  name: 'jarm',
  description: 'Authorization responses as a signed JWT (JARM)',
  options: {},
  create: () => ({
    responseModes: MODES,
    clientFields: [field, ...encryption.clientFields],
    clientChecks: [clientCheck, ...encryption.clientChecks],
    metadata: ({ idTokenAlgs }) => ({
      authorization_signing_alg_values_supported: idTokenAlgs,
      ...encryption.metadata,
    }),
  }),
});
