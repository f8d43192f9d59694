/**
 * A request object (OIDC Core §6, RFC 9101): checking its signature and its claims, and reading the
 * parameters that it holds.
 */

import { CONTENT_ENCRYPTION_ALGS, isEncrypted } from '../../crypto/jwe.ts';
import {
  checkTimes,
  type JwtClaims,
  JwtError,
  type JwtProblem,
  peekJwt,
} from '../../crypto/jwt.ts';
import { verifiedByOwner } from '../../domain/client-keys.ts';
import { OutboundError } from '../../domain/outbound.ts';
import { type ClientField, clientField } from '../../engine/contracts/client-field.ts';
import type { LoadedRequest, SourceReference } from '../../engine/contracts/parameter-source.ts';
import { OAuthError, type RefusalHint } from '../../protocol/errors.ts';
import { CLIENT_KEY_ALGS } from '../../protocol/key-sets.ts';
import type { KeyEncryptionAlg } from '../../protocol/names.ts';
import { type Params, paramsOf } from '../../protocol/params.ts';
import { updateCommand } from '../../protocol/remedies.ts';
import type { Client, Seconds } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** `request_object_signing_alg` (OIDC Registration §2). */
export const signingAlg: ClientField<string | null> = clientField<string | null>({
  wireName: 'request_object_signing_alg',
  flag: 'request-object-signing-alg',
  kind: 'text',
  nullable: true,
  default: null,
  setBy: 'client',
  protects: true,
  check: (value) =>
    value === null || CLIENT_KEY_ALGS.includes(String(value))
      ? null
      : `is not offered here (offered: ${CLIENT_KEY_ALGS.join(', ')})`,
  description: 'algorithm of its request objects (default: any that fits its keys)',
});

/**
 * `request_object_encryption_alg` and `…_enc` (OIDC Registration §2): what it may encrypt with. It
 * may use another algorithm that is offered, or send what is only signed.
 * @param algs for which there is a key
 */
export function encryptionFields(algs: readonly KeyEncryptionAlg[]): readonly ClientField[] {
  return [
    encryptionField('alg', algs, 'encrypts the key of its request objects'),
    encryptionField('enc', CONTENT_ENCRYPTION_ALGS, 'encrypts its request objects'),
  ];
}

function encryptionField(part: string, offered: readonly string[], what: string): ClientField {
  return clientField<string | null>({
    wireName: `request_object_encryption_${part}`,
    flag: `request-object-encryption-${part}`,
    kind: 'text',
    nullable: true,
    default: null,
    setBy: 'client',
    check: (value) =>
      value === null || offered.includes(String(value))
        ? null
        : `is not offered here (offered: ${offered.join(', ')})`,
    description: `algorithm that ${what}, if it does`,
  });
}

/** RFC 9101 §10.8.1: explicit typing; OpenID Connect has none. */
const TYPES = ['', 'jwt', 'oauth-authz-req+jwt'];
/** Seconds of clock difference that are tolerated. */
const SKEW = 30;
/** Characters of one parameter, as in a query. */
const LONGEST = 8192;

/**
 * The request in a request object. Only what is inside counts (RFC 9101 §5).
 * @throws OAuthError to be shown as a page
 */
export async function readRequestObject(
  ctx: RequestContext,
  given: string,
  reference: SourceReference,
): Promise<LoadedRequest> {
  const { clientId, sent } = reference;
  let carried = { client_id: clientId, request: given };
  const refusedAs = (params: Params, error: OAuthError): LoadedRequest => ({
    params,
    consumes: null,
    problem: error,
    carried,
  });
  let jwt: string;
  let peeked: ReturnType<typeof peekJwt>;
  try {
    // RFC 9101 §6.1: what is encrypted is decrypted first, and its signature is checked then.
    jwt = isEncrypted(given) ? await ctx.keys.decrypted(given) : given;
    peeked = peekUnverified(jwt);
  } catch (error) {
    if (!(error instanceof JwtError)) throw error;
    const { problem, message: received } = error;
    return refusedAs(sent, refused(problem, { received }));
  }
  // From here on the request is sealed by us; the key that decrypted it may be gone soon.
  carried = { client_id: clientId, request: jwt };
  // A response goes to a registered address alone, so an unverified object says where a refusal
  // goes as well as a query would.
  const inside = parametersIn(peeked.claims, reference);
  if (inside === null) return refusedAs(sent, refused('parameter'));
  const params = paramsOf(inside);
  // OIDC Core §3.1.2.1: redirect_uri is REQUIRED, and none outside takes its place.
  if (!params.has('redirect_uri'))
    throw new OAuthError(
      'invalid_request',
      'redirect_uri_missing',
      'The request object has no redirect_uri.',
    );
  const client = await ctx.clients.identify(clientId, ctx.request);
  // What is wrong with the client is found, and told, with every other request.
  if (client === null) return { params, consumes: null, carried };
  try {
    await verify(ctx, client, jwt, peeked, reference.requestedAt);
    return { params, consumes: null, isSigned: true, carried };
  } catch (error) {
    return refusedAs(params, refusalOf(error, client));
  }
}

/** Unsigned ones (RFC 7519 §6) have an empty third part. */
function peekUnverified(jwt: string): ReturnType<typeof peekJwt> {
  return peekJwt(jwt.endsWith('.') ? `${jwt}${UNSIGNED}` : jwt);
}
const UNSIGNED = 'AA';

async function verify(
  ctx: RequestContext,
  client: Client,
  jwt: string,
  { header, claims }: ReturnType<typeof peekJwt>,
  requestedAt: Seconds | null,
): Promise<void> {
  const { alg } = header;
  const registered = signingAlg(client);
  if (alg === 'none' && registered === null) throw unsigned(client);
  // RFC 8725 §3.1: the algorithm is the one that the client registered.
  if (registered !== null && alg !== registered)
    throw new JwtError('algorithm', `signed with ${alg}, registered is ${registered}`);
  if (!CLIENT_KEY_ALGS.includes(alg))
    throw new JwtError('algorithm', `signed with ${alg}, which is not offered`);
  await verifiedByOwner(ctx, client, jwt, { alg, kid: header.kid }, TYPES);
  checkClaims(ctx, client, claims);
  // Signing in takes time, so what counts is when the request came.
  const now = requestedAt ?? ctx.now();
  checkTimes(claims, { now, skew: SKEW, needsEnd: false });
}

function checkClaims({ settings }: RequestContext, { clientId }: Client, claims: JwtClaims): void {
  const { iss = clientId, aud = settings.issuer, sub } = claims;
  if (iss !== clientId) throw new JwtError('issuer', 'iss is not the client_id');
  // RFC 9101 §4: aud names the authorization server.
  if (![aud].flat().includes(settings.issuer))
    throw new JwtError('audience', 'aud does not name this issuer');
  if ((claims['client_id'] ?? clientId) !== clientId)
    throw new JwtError('claim', 'client_id is not the one beside the request object');
  // RFC 9101 §10.8: what could be a client assertion as well is none of the two.
  if (sub === clientId)
    throw new JwtError('claim', 'sub is the client_id, as in a client assertion');
  // RFC 9101 §4: request and request_uri MUST NOT be included.
  if ('request' in claims || 'request_uri' in claims)
    throw new JwtError('claim', 'a request object must not refer to another');
}

/**
 * The parameters of an authorization request inside; null when one cannot be one. A value that is
 * no text stands for its JSON: a number for max_age, an object for claims.
 */
function parametersIn(
  claims: JwtClaims,
  { readable, repeatable, clientId }: SourceReference,
): Record<string, string> | null {
  const found: Record<string, string> = {};
  for (const name of readable) {
    if (!Object.hasOwn(claims, name)) continue;
    const value = repeatable.includes(name) ? joined(claims[name]) : claims[name];
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (text.length > LONGEST || text.includes('\0')) return null;
    found[name] = text;
  }
  return { ...found, client_id: clientId };
}

/** RFC 9101 §4: what is repeated in a query is a list here. */
function joined(value: unknown): unknown {
  const isList = Array.isArray(value) && value.every((one) => typeof one === 'string');
  return isList ? value.join(' ') : value;
}

function unsigned({ clientId }: Client): OAuthError {
  return new OAuthError(
    'request_not_supported',
    'request_object_unsigned',
    'Unsigned request objects are not supported.',
    {
      hint: {
        expected: `a request object signed with one of ${CLIENT_KEY_ALGS.join(', ')}`,
        received: 'alg none',
        remedy: `sign request objects in the application, and register its keys: ${updateCommand(clientId, '--jwks-uri', ['https://…'])}`,
      },
    },
  );
}

function refusalOf(error: unknown, client: Client): OAuthError {
  if (error instanceof OAuthError) return error;
  if (error instanceof JwtError)
    return refused(error.problem, {
      expected: 'a request object as OIDC Core §6.1 and RFC 9101 §4 have it',
      received: error.message,
      ...(error.problem === 'unknown_key'
        ? {
            remedy: `register its keys: ${updateCommand(client.clientId, '--jwks-uri', ['https://…'])}`,
          }
        : {}),
    });
  if (error instanceof OutboundError)
    return refused('keys_unavailable', {
      expected: 'a JWK Set at the jwks_uri of the client',
      received: error.message,
    });
  throw error;
}

function refused(
  why: JwtProblem | 'parameter' | 'keys_unavailable',
  hint?: Partial<RefusalHint>,
): OAuthError {
  return new OAuthError(
    'invalid_request_object',
    `request_object_${why}` as const,
    'The request object is not valid.',
    hint === undefined
      ? {}
      : { hint: { expected: 'a request object', received: 'another text', ...hint } },
  );
}
