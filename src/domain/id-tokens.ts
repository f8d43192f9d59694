/** ID tokens: their claims, their signature, and the check of one that comes back as a hint. */
import { halfHash } from '../crypto/bytes.ts';
import {
  checkTimes,
  type JwtClaims,
  JwtError,
  type JwtKey,
  peekJwt,
  verifyJwt,
} from '../crypto/jwt.ts';
import type { Client, Entitlement } from '../store/records.ts';
import { readableSecrets } from './client-secrets.ts';
import type { Context } from './context.ts';
import { sealerFor } from './sealing.ts';

/** What is sent beside an ID token, of which it holds a hash (OIDC Core §3.3.2.11). */
export interface Beside {
  /** The access token, for `at_hash`. */
  readonly accessToken?: string | undefined;
  /** The code, for `c_hash`. */
  readonly code?: string | undefined;
  /** The state, for `s_hash` (FAPI 1.0 Advanced §5.1.1). */
  readonly state?: string | undefined;
}

/** What an ID token says besides who issued it. */
export interface IdTokenFacts {
  readonly jti: string;
  readonly entitlement: Entitlement;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly nonce: string | null;
  /** What is sent beside it. */
  readonly beside: Beside;
  /** What the host adds. */
  readonly claims: JwtClaims;
}

/** Signs ID tokens of one client. */
export type IdTokenSigner = (facts: IdTokenFacts) => Promise<string>;

/**
 * The signer for a client, with the algorithm it registered (OIDC Core §2, §3.1.3.6). Get it before
 * a code or token is consumed, so that a missing key consumes nothing.
 */
export async function idTokenSigner(ctx: Context, client: Client): Promise<IdTokenSigner> {
  const alg = client.idTokenSignedResponseAlg;
  const seal = await sealerFor(ctx, client, { object: 'id_token', alg });
  return async (facts) => await seal(idTokenClaims(ctx, client, alg, facts));
}

function idTokenClaims(ctx: Context, client: Client, alg: string, facts: IdTokenFacts): JwtClaims {
  const { entitlement } = facts;
  const claims: Record<string, unknown> = {
    ...facts.claims,
    iss: ctx.settings.issuer,
    sub: ctx.subjectOf(client, entitlement.sub),
    // OIDC Core §2: aud holds the client_id; azp names the party it was issued to.
    aud: client.clientId,
    azp: client.clientId,
    exp: facts.expiresAt,
    iat: facts.issuedAt,
    jti: facts.jti,
  };
  if (entitlement.authTime !== null) claims['auth_time'] = entitlement.authTime;
  // OIDC Core §3.1.2.1: the nonce is passed through unmodified.
  if (facts.nonce !== null) claims['nonce'] = facts.nonce;
  if (entitlement.acr !== null) claims['acr'] = entitlement.acr;
  if (entitlement.amr.length > 0) claims['amr'] = entitlement.amr;
  if (entitlement.sid !== null) claims['sid'] = entitlement.sid;
  const { accessToken, code, state } = facts.beside;
  if (accessToken !== undefined) claims['at_hash'] = halfHash(accessToken, alg);
  if (code !== undefined) claims['c_hash'] = halfHash(code, alg);
  if (state !== undefined) claims['s_hash'] = halfHash(state, alg);
  return claims;
}

/** An ID token of ours that came back. */
export interface Hint {
  readonly client: Client;
  readonly sub: string;
  readonly sid: string | null;
}

/**
 * Checks an `id_token_hint`: one of our own, for a client we know; its expiry does not matter,
 * unless somebody says otherwise (OIDC RP-Initiated Logout §2).
 * @throws JwtError
 */
export async function verifyHint(ctx: Context, jwt: string, allowExpired = true): Promise<Hint> {
  const { header, claims } = peekJwt(jwt);
  const aud = claims['aud'];
  const client = typeof aud === 'string' ? await ctx.clients.find(aud) : null;
  if (client === null) throw new JwtError('audience', 'not issued to a client known here');
  const verified = await verifyWithOneOf(
    jwt,
    await hintKeys(ctx, client, header.kid ?? null, header.alg),
  );
  if (verified['iss'] !== ctx.settings.issuer)
    throw new JwtError('issuer', 'issued by somebody else');
  checkTimes(verified, { now: ctx.now(), skew: 60, allowExpired });
  return {
    client,
    sub: text(verified, 'sub'),
    sid: typeof verified['sid'] === 'string' ? verified['sid'] : null,
  };
}

async function hintKeys(
  ctx: Context,
  client: Client,
  kid: string | null,
  alg: string,
): Promise<readonly JwtKey[]> {
  // RFC 8725 §3.1: the algorithm is the one we sign this client's tokens with, or signed with
  // before a change, never a symmetric one instead of an asymmetric one.
  if (client.idTokenSignedResponseAlg === 'HS256') {
    return readableSecrets(client, ctx.vault, ctx.now()).map(({ text }) => ({
      alg: 'HS256',
      key: new TextEncoder().encode(text),
    }));
  }
  const key = kid === null ? null : await ctx.keys.verifier(kid);
  if (key === null) throw new JwtError('unknown_key', `signed with a key unknown here (${alg})`);
  return [key];
}

/** A replaced secret still verifies what it signed, until it expires. */
async function verifyWithOneOf(jwt: string, keys: readonly JwtKey[]): Promise<JwtClaims> {
  let failure: unknown = new JwtError('unknown_key', 'there is no key to verify with');
  for (const key of keys) {
    try {
      return await verifyJwt(jwt, key, ['jwt', '']);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function text(claims: JwtClaims, name: string): string {
  const value = claims[name];
  if (typeof value !== 'string' || value === '')
    throw new JwtError('claim', `${name} must be a non-empty string`);
  return value;
}
