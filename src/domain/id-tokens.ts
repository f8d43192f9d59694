/** ID tokens: their claims, their signature, and the check of one that comes back as a hint. */
import { halfHash } from '../crypto/bytes.ts';
import { checkTimes, type JwtClaims, JwtError, type JwtKey, peekJwt, signJwt, verifyJwt } from '../crypto/jwt.ts';
import type { Client, GrantFacts } from '../store/records.ts';
import { readableSecret } from './clients.ts';
import type { Context } from './context.ts';

/** What an ID token says besides who issued it. */
export interface IdTokenFacts {
  readonly jti: string;
  readonly grant: GrantFacts;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly nonce: string | null;
  /** The access token issued beside it, for `at_hash`. */
  readonly accessToken: string | null;
}

const encoder = new TextEncoder();

async function signingKey(ctx: Context, client: Client): Promise<JwtKey & { readonly kid: string | null }> {
  const alg = client.idTokenSignedResponseAlg;
  if (alg === 'HS256') {
    const secret = readableSecret(client, ctx.vault);
    // OIDC Core §10.1: the octets of the client_secret are the key; a digest of it would be a secret nobody else knows.
    if (secret === null) throw new Error(`Client ${client.clientId} has no readable secret for HS256: rotate its secret.`);
    return { alg, key: encoder.encode(secret), kid: null };
  }
  const key = await ctx.keys.signingKey(alg);
  return { alg, key: key.privateKey, kid: key.kid };
}

/** Signs ID tokens of one client. */
export type IdTokenSigner = (facts: IdTokenFacts) => Promise<string>;

/**
 * The signer for a client, with the algorithm it registered (OIDC Core §2, §3.1.3.6). Got before a code or token is used up, so that a
 * missing key costs nobody their sign-in.
 */
export async function idTokenSigner(ctx: Context, client: Client): Promise<IdTokenSigner> {
  const { alg, key, kid } = await signingKey(ctx, client);
  const header = kid === null ? { alg, typ: 'JWT' } : { alg, typ: 'JWT', kid };
  return async (facts) => await signJwt(header, idTokenClaims(ctx, client, alg, facts), key);
}

function idTokenClaims(ctx: Context, client: Client, alg: string, facts: IdTokenFacts): JwtClaims {
  const { grant } = facts;
  const claims: Record<string, unknown> = {
    iss: ctx.settings.issuer,
    sub: grant.sub,
    // OIDC Core §2: aud holds the client_id; azp names the party it was issued to.
    aud: client.clientId,
    azp: client.clientId,
    exp: facts.expiresAt,
    iat: facts.issuedAt,
    jti: facts.jti,
  };
  if (grant.authTime !== null) claims['auth_time'] = grant.authTime;
  // OIDC Core §3.1.2.1: the nonce is passed through unmodified.
  if (facts.nonce !== null) claims['nonce'] = facts.nonce;
  if (grant.acr !== null) claims['acr'] = grant.acr;
  if (grant.amr.length > 0) claims['amr'] = grant.amr;
  if (grant.sid !== null) claims['sid'] = grant.sid;
  if (facts.accessToken !== null) claims['at_hash'] = halfHash(facts.accessToken, alg);
  return claims;
}

/** An ID token of ours that came back. */
export interface Hint {
  readonly client: Client;
  readonly sub: string;
  readonly sid: string | null;
}

/**
 * Checks an `id_token_hint`: one of our own, for a client we know; its expiry does not matter (OIDC RP-Initiated Logout §2).
 * @throws JwtError
 */
export async function verifyHint(ctx: Context, jwt: string): Promise<Hint> {
  const { header, claims } = peekJwt(jwt);
  const aud = claims['aud'];
  const client = typeof aud === 'string' ? await ctx.clients.find(aud) : null;
  if (client === null) throw new JwtError('audience', 'not issued to a client known here');
  const verified = await verifyJwt(jwt, await hintKey(ctx, client, header.kid ?? null, header.alg), ['jwt', '']);
  if (verified['iss'] !== ctx.settings.issuer) throw new JwtError('issuer', 'issued by somebody else');
  checkTimes(verified, { now: ctx.now(), skew: 60, allowExpired: true });
  return { client, sub: text(verified, 'sub'), sid: typeof verified['sid'] === 'string' ? verified['sid'] : null };
}

async function hintKey(ctx: Context, client: Client, kid: string | null, alg: string): Promise<JwtKey> {
  // RFC 8725 §3.1: the algorithm is the one we sign this client's tokens with, or signed with before a change, never symmetric by surprise.
  if (client.idTokenSignedResponseAlg === 'HS256') {
    const secret = readableSecret(client, ctx.vault);
    if (secret === null) throw new JwtError('unknown_key', 'the client has no readable secret');
    return { alg: 'HS256', key: encoder.encode(secret) };
  }
  const key = kid === null ? null : await ctx.keys.find(kid);
  if (key === null) throw new JwtError('unknown_key', `signed with a key unknown here (${alg})`);
  return { alg: key.alg, key: key.publicKey };
}

function text(claims: JwtClaims, name: string): string {
  const value = claims[name];
  if (typeof value !== 'string' || value === '') throw new JwtError('claim', `${name} is not a text`);
  return value;
}
