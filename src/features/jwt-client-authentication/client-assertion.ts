/**
 * A client assertion (RFC 7523 §3, RFC 10070): found in a request, and proved. One that is good is
 * used up at once, also when the request fails later, so that nobody who sees it uses it again.
 */
import { sha256 } from '../../crypto/bytes.ts';
import {
  checkTimes,
  type JwtClaims,
  JwtError,
  type JwtHeader,
  peekJwt,
  requireJti,
} from '../../crypto/jwt.ts';
import { signedBy, verifiedByOwner } from '../../domain/client-keys.ts';
import { readableSecrets } from '../../domain/client-secrets.ts';
import { useOnce } from '../../domain/one-time-records.ts';
import { OutboundError } from '../../domain/outbound.ts';
import {
  clientNotProven,
  type PresentedCredentials,
} from '../../engine/contracts/client-authentication.ts';
import { OAuthError, type RefusalHint } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/params.ts';
import type { Client } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** RFC 10070: explicit typing is recommended; without a type it may be any JWT. */
const TYPES = ['', 'jwt', 'client-authentication+jwt'];
/** Kind of the records of used assertions. */
const USED = 'client-assertion';
/** Seconds of clock difference that are tolerated. */
const SKEW = 30;
/** Seconds for which an assertion may be valid at most: for as long as its use is remembered. */
const LONGEST_LIFE = 3600;

/** What one method accepts. */
export interface AssertionRules {
  readonly name: 'private_key_jwt' | 'client_secret_jwt';
  readonly algs: readonly string[];
  /** RFC 10070: whether a client may name an endpoint as audience. */
  readonly allowsEndpoint: (client: Client) => boolean;
}

/** Credentials of this method in a request. */
export function presentedAssertion(
  ctx: RequestContext,
  params: Params,
  rules: AssertionRules,
): PresentedCredentials | 'malformed' | null {
  const assertion = params.get('client_assertion');
  const type = params.get('client_assertion_type');
  if (assertion === undefined && type === undefined) return null;
  // One method tells what cannot be read.
  const isFirst = rules.name === 'private_key_jwt';
  if (assertion === undefined || type !== ASSERTION_TYPE) return isFirst ? malformed(params) : null;
  let header: JwtHeader;
  let claims: JwtClaims;
  try {
    ({ header, claims } = peekJwt(assertion));
  } catch (error) {
    if (!(error instanceof JwtError)) throw error;
    return isFirst ? malformed(params) : null;
  }
  if (header.alg.startsWith('HS') !== !isFirst) return null;
  const { sub } = claims;
  if (typeof sub !== 'string' || sub === '') return malformed(params);
  return {
    clientId: sub,
    verify: async (client) => await verify(ctx, client, { assertion, header, rules }),
  };
}

/** What names no client by itself. The form may, so that operators read whose it is. */
function malformed(params: Params): PresentedCredentials | 'malformed' {
  const clientId = params.get('client_id');
  if (clientId === undefined) return 'malformed';
  const hint = {
    expected: `client_assertion, a JWT with the client_id as sub, and client_assertion_type ${ASSERTION_TYPE}`,
    received: 'none that can be read',
  };
  return { clientId, verify: async () => refused('malformed', hint) };
}

interface Assertion {
  readonly assertion: string;
  readonly header: JwtHeader;
  readonly rules: AssertionRules;
}

async function verify(
  ctx: RequestContext,
  client: Client,
  { assertion, header, rules }: Assertion,
): Promise<OAuthError | null> {
  try {
    const { claims, secret } = await verified(ctx, client, assertion, header, rules);
    await use(ctx, client, claims);
    if (secret !== null) ctx.clients.used(client, secret);
    return null;
  } catch (error) {
    if (error instanceof OAuthError) return error;
    if (error instanceof JwtError)
      return refused(error.problem, {
        received: error.message,
        expected: EXPECTED[error.problem] ?? 'an assertion as RFC 7523 §3 and RFC 10070 have it',
      });
    if (error instanceof OutboundError)
      return refused('keys_unavailable', {
        expected: 'a JWK Set at the jwks_uri of the client',
        received: error.message,
        ...(['url', 'address'].includes(error.problem)
          ? { remedy: 'if the host is yours: name its origin in allowOutbound' }
          : {}),
      });
    throw error;
  }
}

const EXPECTED: Readonly<Partial<Record<JwtError['problem'], string>>> = {
  algorithm: 'the algorithm that is registered, or one that fits its keys',
  signature: 'a signature by a key that is registered',
  unknown_key: 'a key that is registered, or in the JWK Set behind the jwks_uri',
  type: 'typ client-authentication+jwt, JWT, or none',
};

const REASONS = {
  malformed: 'client_assertion_malformed',
  algorithm: 'client_assertion_algorithm',
  type: 'client_assertion_type',
  signature: 'client_assertion_signature',
  unknown_key: 'client_assertion_unknown_key',
  issuer: 'client_assertion_issuer',
  audience: 'client_assertion_audience',
  expired: 'client_assertion_expired',
  not_yet_valid: 'client_assertion_not_yet_valid',
  claim: 'client_assertion_claim',
  lifetime: 'client_assertion_lifetime',
  replayed: 'client_assertion_replayed',
  keys_unavailable: 'client_assertion_keys_unavailable',
} as const;

function refused(problem: keyof typeof REASONS, hint: RefusalHint): OAuthError {
  return clientNotProven(REASONS[problem], hint);
}

async function verified(
  ctx: RequestContext,
  client: Client,
  assertion: string,
  header: JwtHeader,
  rules: AssertionRules,
): Promise<{ readonly claims: JwtClaims; readonly secret: string | null }> {
  const { alg, kid } = header;
  const registered = client.tokenEndpointAuthSigningAlg;
  // RFC 8725 §3.1: the algorithms are those of the method, and the one that the client registered.
  if (!rules.algs.includes(alg) || (registered !== null && registered !== alg))
    throw new JwtError('algorithm', `signed with ${alg.slice(0, 20)}`);
  if (rules.name !== 'client_secret_jwt') {
    const claims = await verifiedByOwner(ctx, client, assertion, { alg, kid }, TYPES);
    checkClaims(ctx, client, claims, rules);
    return { claims, secret: null };
  }
  const secrets = readableSecrets(client, ctx.vault, ctx.now());
  if (secrets.length === 0) throw new JwtError('unknown_key', 'no secret of the client fits');
  const keys = secrets.map(({ text }) => Buffer.from(text));
  const signed = await signedBy(keys, assertion, alg, TYPES);
  if (signed === null) throw new JwtError('signature', 'the signature is not valid');
  const { claims, by } = signed;
  checkClaims(ctx, client, claims, rules);
  return { claims, secret: secrets[by]?.id ?? null };
}

function checkClaims(
  ctx: RequestContext,
  client: Client,
  claims: JwtClaims,
  rules: AssertionRules,
): void {
  const { iss, sub, exp } = claims;
  // RFC 7523 §3: iss and sub are the client_id.
  if (iss !== client.clientId || sub !== client.clientId)
    throw new JwtError('issuer', 'iss and sub must be the client_id');
  checkAudience(ctx, client, claims['aud'], rules);
  const now = ctx.now();
  checkTimes(claims, { now, skew: SKEW });
  if (typeof exp === 'number' && exp > now + LONGEST_LIFE + SKEW)
    throw refused('lifetime', {
      expected: `exp at most ${LONGEST_LIFE} seconds from now`,
      received: `${Math.round(exp - now)} seconds`,
    });
  // OIDC Core §9: the jti is required.
  requireJti(claims);
}

/** RFC 10070 §3: the audience is the issuer, and nothing else. */
function checkAudience(
  ctx: RequestContext,
  client: Client,
  aud: unknown,
  { allowsEndpoint }: AssertionRules,
): void {
  const { issuer } = ctx.settings;
  const [only, ...others] = Array.isArray(aud) ? (aud as unknown[]) : [aud];
  if (others.length === 0 && only === issuer) return;
  const endpoints = [ctx.url('token'), addressOf(ctx)];
  const named = [only, ...others];
  const allAre = named.every(
    (one) => typeof one === 'string' && [issuer, ...endpoints].includes(one),
  );
  if (allowsEndpoint(client) && allAre) return;
  const problem = allAre ? 'names an endpoint' : 'is another one';
  throw refused('audience', {
    expected: `aud ${issuer}, alone`,
    received: `an audience that ${problem}`,
    ...(allAre
      ? {
          remedy: `set the audience to the issuer in the application, or: npx valetkey application update --client-id ${client.clientId} --allow-endpoint-audience`,
        }
      : {}),
  });
}

/**
 * The address of the endpoint that was asked, without its query. Its origin is the published one:
 * the Host of a request is whatever its sender writes, and could name another provider.
 */
function addressOf({ request, settings }: RequestContext): string {
  return `${new URL(settings.issuer).origin}${request.url.pathname}`;
}

/** OIDC Core §9: the jti is used once, of any number of requests at any number of nodes. */
async function use(ctx: RequestContext, client: Client, claims: JwtClaims): Promise<void> {
  const digest = sha256(`${client.clientId}\n${String(claims['jti'])}`);
  const expiresAt = Math.ceil(Number(claims['exp'])) + 2 * SKEW;
  if (!(await useOnce(ctx, ctx.request, { kind: USED, digest, expiresAt })))
    throw refused('replayed', {
      expected: 'a new jti for each request',
      received: 'one that was used before',
    });
}
