/**
 * Access tokens as JWTs (RFC 9068), which APIs verify by themselves: for clients and for APIs that
 * are registered so. Their rows stay, so that they are introspected and revoked as any other.
 */
import { base64url } from '../../crypto/handles.ts';
import { ACCESS_TOKEN_TYPE } from '../../domain/access-tokens.ts';
import type { AccessTokenFormatName } from '../../domain/resources.ts';
import { type Encrypter, encrypterTo } from '../../domain/sealing.ts';
import type { Settings } from '../../domain/settings.ts';
import type {
  AccessTokenFormat,
  TokenAudience,
} from '../../engine/contracts/access-token-format.ts';
import { type ClientField, clientField } from '../../engine/contracts/client-field.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import type { MetadataCheck } from '../../protocol/client-metadata-rules.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { defaultSigningAlg, SIGNING_ALGS, type SigningAlg } from '../../protocol/names.ts';
import type { RequestContext } from '../../web/request.ts';

/** Options of JWT access tokens. */
export interface JwtAccessTokenOptions {
  /** Format of the tokens of clients and APIs that say nothing about it. @default 'opaque' */
  readonly format: AccessTokenFormatName;
  /**
   * Algorithm that signs them where neither client nor API says another one.
   * @default RS256, which every API has to support (RFC 9068 §2.1), or the first one with a key
   */
  readonly signingAlg: SigningAlg | null;
}

const formatField: ClientField<AccessTokenFormatName | null> = clientField({
  wireName: 'access_token_format',
  flag: 'access-token-format',
  kind: ['opaque', 'jwt'],
  nullable: true,
  default: null as AccessTokenFormatName | null,
  setBy: 'operator',
  description: 'format of its access tokens where the API says nothing: opaque or jwt (RFC 9068)',
});

const algField: ClientField<SigningAlg | null> = clientField({
  wireName: 'access_token_signed_response_alg',
  flag: 'access-token-signed-alg',
  kind: SIGNING_ALGS,
  nullable: true,
  default: null as SigningAlg | null,
  setBy: 'operator',
  description: 'algorithm that signs its JWT access tokens',
});

const algCheck: MetadataCheck = ({ fields }, { idTokenAlgs }) => {
  const { wireName } = algField.definition;
  const alg = fields[wireName] ?? null;
  if (alg === null || idTokenAlgs.includes(alg as SigningAlg)) return null;
  const problem = `is not offered here (offered: ${idTokenAlgs.join(', ')})`;
  return { field: wireName, code: 'invalid_client_metadata', problem };
};

function jwtFormat({ format, signingAlg }: JwtAccessTokenOptions): AccessTokenFormat {
  return {
    name: 'jwt',
    isUsual: (client) => (formatField(client) ?? format) === 'jwt',
    async writer(ctx, audience) {
      const alg = algFor(ctx.settings, audience, signingAlg);
      const signer = await ctx.keys.signer(alg);
      const encrypt = await encrypterFor(ctx, audience);
      return async (token, entitlement) => {
        const jwt = await signer.sign(ACCESS_TOKEN_TYPE, {
          // RFC 9068 §3: without a resource the audience is a default one.
          aud: ctx.settings.issuer,
          ...(await audience.claims(token, entitlement)),
          // RFC 9068 §2.2: the jti is required.
          jti: base64url(ctx.settings.random(16)),
        });
        return encrypt === null ? jwt : await encrypt(jwt, 'JWT');
      };
    },
  };
}

/** The algorithm that the APIs want, else the client, else the option. */
function algFor(
  settings: Settings,
  { client, resources }: TokenAudience,
  usual: SigningAlg | null,
): SigningAlg {
  const own = algField(client) ?? usual ?? defaultAlg(settings);
  const wanted = new Set(resources.map(({ tokenSigningAlg }) => tokenSigningAlg ?? own));
  if (wanted.size > 1)
    throw new OAuthError(
      'invalid_target',
      'resources_differ',
      'The resources have tokens of different algorithms: ask for one of them.',
    );
  return [...wanted][0] ?? own;
}

/** RFC 9068 §2: a token is encrypted to the one API that reads it. */
async function encrypterFor(
  ctx: RequestContext,
  { resources }: TokenAudience,
): Promise<Encrypter | null> {
  const encryption = resources.find((one) => one.tokenEncryption !== undefined)?.tokenEncryption;
  if (encryption === undefined) return null;
  if (resources.length > 1)
    throw new OAuthError(
      'invalid_target',
      'resources_differ',
      'A token that is encrypted is for one resource: ask for one of them.',
    );
  const { jwks = null, jwksUri = null, ...algs } = encryption;
  return await encrypterTo(ctx, { jwks, jwksUri }, algs);
}

function defaultAlg({ idTokenAlgs }: Settings): SigningAlg {
  const offered = SIGNING_ALGS.filter((alg) => idTokenAlgs.includes(alg));
  if (offered.length === 0) throw new Error('There is no key that signs access tokens.');
  return defaultSigningAlg(offered);
}

/** Access tokens as JWTs (RFC 9068). */
export const jwtAccessTokens: FeatureFactory<JwtAccessTokenOptions> =
  defineFeature<JwtAccessTokenOptions>({
    name: 'jwt-access-tokens',
    description: 'Access tokens as JWTs (RFC 9068), for applications and APIs registered so',
    options: {
      format: {
        kind: 'text',
        description: 'Format of access tokens where nothing else is said: opaque or jwt',
        choices: ['opaque', 'jwt'],
        default: 'opaque',
      },
      signingAlg: {
        kind: 'text',
        description: 'Algorithm that signs JWT access tokens where nothing else is said',
        choices: SIGNING_ALGS,
        nullable: true,
        default: null,
        defaultText: 'RS256, or the first one with a key',
      },
    },
    create: (options) => ({
      accessTokenFormats: [jwtFormat(options)],
      clientFields: [formatField, algField],
      clientChecks: [algCheck],
    }),
  });
