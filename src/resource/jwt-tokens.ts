/**
 * `jwtTokens()`: access tokens that are JWTs (RFC 9068), checked here with the keys of their
 * issuer. The issuer is not asked for each token, so a token that is revoked works until it ends.
 */
import type { JSONWebKeySet, JWK } from 'jose';
import {
  ACCESS_TOKEN_ALGS,
  type JwtClaims,
  JwtError,
  type SigningAlg,
  verifyAccessToken,
} from 'valetkey';
import { cachedDocument, freshFor } from './cached-document.ts';
import { type Fetch, fetchJson, globalFetch } from './fetch-json.ts';
import { addressIn, issuerMetadata } from './issuer-metadata.ts';
import {
  FUNCTION,
  type Kinds,
  LIST,
  MAP,
  requireKnown,
  TEXT,
  withMethod,
} from './known-options.ts';
import { requireSecure } from './secure-address.ts';
import { SourceUnavailable, type TokenSource, tokenFacts } from './token-facts.ts';

/** How tokens that are JWTs are checked. */
export interface JwtTokenOptions {
  /** Issuer identifier of the authorization server, exactly. */
  readonly issuer: string;
  /** Its keys, where they never change. @default read from `jwksUri` */
  readonly jwks?: JSONWebKeySet;
  /** Address of its keys. @default the `jwks_uri` in the metadata of the issuer */
  readonly jwksUri?: string;
  /** Algorithms that may sign a token. @default RS256, PS256, ES256, EdDSA, Ed25519 */
  readonly algs?: readonly SigningAlg[];
  /**
   * The private key of this API, with its `alg`, when tokens are encrypted to it. Others are
   * refused then.
   */
  readonly decryptionKey?: JWK;
  /** Who is asked about tokens that are no JWTs. @default they are refused */
  readonly introspect?: TokenSource;
  /** Calls the issuer. @default the global `fetch` */
  readonly fetch?: Fetch;
  /** Now, in seconds. @default the system clock */
  readonly clock?: () => number;
}

const SIGNED = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const ENCRYPTED = /^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/;
const ALGS = /^(?:(?:RS|PS|ES)(?:256|384|512)|EdDSA|Ed25519)$/;

const KINDS: Kinds<JwtTokenOptions> = {
  issuer: { ...TEXT, required: 'Write the issuer of the tokens.' },
  jwks: MAP,
  jwksUri: TEXT,
  algs: {
    ...LIST,
    check(value, option, refuse) {
      const algs = value as readonly string[];
      if (algs.length > 0 && algs.every((alg) => ALGS.test(alg))) return;
      const problem = 'must name algorithms that sign with a key pair.';
      refuse(option, problem, "Write it like ['RS256', 'ES256'].");
    },
  },
  decryptionKey: {
    ...MAP,
    check(value, option, refuse) {
      if ((value as JWK).alg === undefined)
        refuse(option, 'names no algorithm.', 'Add its alg, such as RSA-OAEP-256.');
    },
  },
  introspect: withMethod('find', 'Write it like introspectedTokens({ … }).'),
  fetch: FUNCTION,
  clock: FUNCTION,
};

/**
 * Looks tokens up in themselves.
 * @throws ConfigError when an option is wrong
 */
export function jwtTokens(options: JwtTokenOptions): TokenSource {
  requireKnown(KINDS, options);
  const { issuer, algs = ACCESS_TOKEN_ALGS, decryptionKey, introspect } = options;
  requireSecure('issuer', issuer);
  if (options.jwksUri !== undefined) requireSecure('jwksUri', options.jwksUri);
  const now = options.clock ?? ((): number => Math.floor(Date.now() / 1000));
  const keys = keysOf(options, now);
  const verify = async (token: string, jwks: JSONWebKeySet): Promise<JwtClaims> =>
    await verifyAccessToken(token, {
      issuer,
      // The API compares the audience, for all sources alike.
      audience: null,
      jwks,
      algs,
      ...(decryptionKey === undefined ? {} : { decryptionKey }),
      now: now(),
    });
  return {
    issuer,
    async find(token) {
      if (!SIGNED.test(token) && !ENCRYPTED.test(token) && introspect !== undefined)
        return await introspect.find(token);
      try {
        return tokenFacts(await verify(token, await keys.get()));
      } catch (error) {
        const renewed = isAboutKeys(error) ? await keys.renewed() : null;
        if (renewed === null) throw error;
        return tokenFacts(await verify(token, renewed));
      }
    },
  };
}

/** The key may be newer than the set in memory; without a key id only the signature tells. */
function isAboutKeys(error: unknown): boolean {
  return error instanceof JwtError && ['unknown_key', 'signature'].includes(error.problem);
}

interface Keys {
  get(): Promise<JSONWebKeySet>;
  renewed(): Promise<JSONWebKeySet | null>;
}

function keysOf(
  { issuer, jwks, jwksUri, fetch = globalFetch }: JwtTokenOptions,
  now: () => number,
): Keys {
  if (jwks !== undefined) return { get: async () => jwks, renewed: async () => null };
  const metadata = issuerMetadata(issuer, fetch, now);
  return cachedDocument(async () => {
    const url = jwksUri ?? addressIn(await metadata.get(), 'jwks_uri');
    const { status, headers, value } = await fetchJson(fetch, url);
    if (status !== 200 || !isKeySet(value))
      throw new SourceUnavailable(`there is no key set at ${url} (status ${status})`);
    return { value, freshFor: freshFor(headers) };
  }, now);
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  const { keys } = (value ?? {}) as { readonly keys?: unknown };
  return (
    Array.isArray(keys) &&
    keys.length > 0 &&
    keys.every((one) => typeof one === 'object' && one !== null)
  );
}
