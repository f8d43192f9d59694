/** The UserInfo endpoint (OIDC Core §5.3): claims about the subject of an access token. */
import { findLiveAccessToken } from '../../domain/access-tokens.ts';
import { findEnabledAccount } from '../../domain/accounts.ts';
import { personClaims } from '../../domain/claims.ts';
import { encrypterFor, signerFor } from '../../domain/sealing.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import type { Endpoint } from '../../engine/contracts/endpoint.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { encryptionFields, signingField } from '../../engine/response-objects.ts';
import { requireProof } from '../../engine/sender-constraint.ts';
import { requireForUs } from '../../engine/token-parameters.ts';
import { OAuthError, type RefusalHint } from '../../protocol/errors.ts';
import { updateCommand } from '../../protocol/remedies.ts';
import type { AccessToken, Client } from '../../store/records.ts';
import { presentedToken } from '../../web/parameter-places.ts';
import { json, jwtResponse } from '../../web/respond.ts';

/** Options of the userinfo endpoint. */
export interface UserinfoOptions {
  /**
   * Format for applications without `userinfo_signed_response_alg`: JSON, or a JWT that is signed
   * as their ID tokens are.
   * @default 'json'
   */
  readonly format: 'json' | 'jwt';
}

/** @param isJwtUsual whether clients without a registered algorithm get a JWT */
const endpoint = (isJwtUsual: boolean): Endpoint => ({
  name: 'userinfo',
  // Its name in Django OAuth Toolkit.
  aliases: ['user-info'],
  path: 'userinfo/',
  methods: ['GET', 'POST'],
  errors: 'json',
  metadataName: 'userinfo_endpoint',
  isForClients: true,
  cors: 'any',

  async handle(ctx) {
    const presented = await presentedToken(ctx.request);
    // RFC 6750 §3.1: a request without any credentials gets the challenge without an error code.
    if (presented === null) {
      const others = ctx.engine.tokenConstraints.flatMap(({ challenge }) => challenge ?? []);
      throw new OAuthError('invalid_token', 'token_missing', 'An access token is required.', {
        headers: { 'WWW-Authenticate': ['Bearer realm="userinfo"', ...others].join(', ') },
      });
    }
    const found = await findLiveAccessToken(ctx, presented.text);
    if (found === null) throw invalidToken('token_invalid');
    try {
      requireForUs(ctx, found.token);
      await requireProof(ctx, presented, found.token, 'userinfo');
    } catch (error) {
      throw error instanceof OAuthError && !('WWW-Authenticate' in error.headers)
        ? challenged(error)
        : error;
    }
    const claims = await claimsFor(ctx, found.client, found.token);
    return await answer(ctx, found.client, claims, isJwtUsual);
  },
});

const { algFor, field, clientCheck } = signingField('userinfo', 'its userinfo responses');
const encryption = encryptionFields('userinfo', 'its userinfo responses');

/** JSON, or a JWT that is signed, encrypted, or both (OIDC Core §5.3.2). */
async function answer(
  ctx: EngineContext,
  client: Client,
  claims: Readonly<Record<string, unknown>>,
  isJwtUsual: boolean,
): Promise<Response> {
  const alg = algFor(client) ?? (isJwtUsual ? client.idTokenSignedResponseAlg : null);
  const encrypt = await encrypterFor(ctx, client, 'userinfo');
  if (alg === null && encrypt === null) return json(200, claims);
  // OIDC Core §5.3.2: a signed response has iss and aud.
  const named = { ...claims, iss: ctx.settings.issuer, aud: client.clientId };
  const jwt = alg === null ? null : await (await signerFor(ctx, client, alg))(named);
  if (encrypt === null) return jwtResponse(jwt ?? '');
  return jwtResponse(
    jwt === null ? await encrypt(JSON.stringify(claims), 'JSON') : await encrypt(jwt, 'JWT'),
  );
}

async function claimsFor(
  ctx: EngineContext,
  client: Client,
  { sub, scopes, details }: AccessToken,
): Promise<Readonly<Record<string, unknown>>> {
  ctx.clientId = client.clientId;
  // OIDC Core §5.3: the token was obtained by an OpenID Connect authentication request.
  if (sub === null || !scopes.includes('openid')) {
    throw challenged(
      new OAuthError(
        'insufficient_scope',
        'openid_scope_missing',
        'The access token lacks the scope openid.',
        { hint: openidHint(ctx, client, scopes) },
      ),
      ', scope="openid"',
    );
  }
  const account = await findEnabledAccount(ctx.settings.accounts, sub);
  if (account === null) throw invalidToken('token_subject');
  const claims = await personClaims(ctx, { account, client, scopes, details });
  // OIDC Core §5.3.2: sub is always returned.
  return { ...claims, sub: ctx.subjectOf(client, sub) };
}

function openidHint(
  { settings }: EngineContext,
  { clientId, defaultScopes, grantTypes }: Client,
  scopes: readonly string[],
): RefusalHint {
  const usual = ['openid', 'profile', 'email'].filter((name) => settings.scopes.has(name));
  const more = (defaultScopes ?? []).filter((name) => !usual.includes(name));
  const command = updateCommand(clientId, '--default-scope', [...usual, ...more]);
  return {
    expected: 'a token with the scope openid, of a person',
    received: scopes.join(' ') || 'a token without scopes',
    remedy: grantTypes.includes('authorization_code')
      ? `ask for the scope openid in the application, or: ${command}`
      : 'ask for the scope openid in an application that signs people in',
  };
}

function invalidToken(reason: string): OAuthError {
  return challenged(new OAuthError('invalid_token', reason, 'The access token is invalid.'));
}

// RFC 6750 §3: the challenge repeats the error for clients that read headers only.
function challenged(error: OAuthError, more = ''): OAuthError {
  const { code, description } = error;
  const about = `error="${code}", error_description="${description}"${more}`;
  return error.withHeaders({ 'WWW-Authenticate': `Bearer realm="userinfo", ${about}` });
}

/** The userinfo endpoint (OIDC Core §5.3). */
export const userinfo: FeatureFactory<UserinfoOptions> = defineFeature<UserinfoOptions>({
  name: 'userinfo',
  description: 'The UserInfo endpoint (OIDC Core §5.3)',
  options: {
    format: {
      kind: 'text',
      description: 'Format for applications without userinfo_signed_response_alg: json or jwt',
      choices: ['json', 'jwt'],
      default: 'json',
    },
  },
  create: ({ format }) => ({
    endpoints: [endpoint(format === 'jwt')],
    clientFields: [field, ...encryption.clientFields],
    clientChecks: [clientCheck, ...encryption.clientChecks],
    metadata: ({ scopes, idTokenAlgs }) => ({
      userinfo_signing_alg_values_supported: idTokenAlgs,
      ...encryption.metadata,
      claims_supported: [...new Set(['sub', ...[...scopes.values()].flatMap((one) => one.claims)])],
    }),
  }),
});
