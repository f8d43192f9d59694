/**
 * The JWT bearer grant (RFC 7523 §2.1): another issuer, which the operator trusts, says in a signed
 * assertion for whom a client may have tokens. An assertion is good once.
 */
import { sha256 } from '../../crypto/bytes.ts';
import { checkTimes, type JwtClaims, JwtError, peekJwt, requireJti } from '../../crypto/jwt.ts';
import { verifiedByOwner } from '../../domain/client-keys.ts';
import { useOnce } from '../../domain/one-time-records.ts';
import { OutboundError } from '../../domain/outbound.ts';
import { resolveScopes } from '../../domain/scopes.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { defineGrant, type Grant } from '../../engine/contracts/grant.ts';
import { checkFunction } from '../../engine/contracts/options.ts';
import { ConfigError, OAuthError, type RefusalHint } from '../../protocol/errors.ts';
import { CLIENT_KEY_ALGS } from '../../protocol/key-sets.ts';
import { nameForLog } from '../../protocol/remedies.ts';
import type { Client, Seconds } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';
import { checkIssuers } from './check-issuers.ts';

/** An issuer whose assertions are good. Give its keys, or where they are. */
export interface TrustedIssuer {
  /** The claim `iss` of its assertions, exactly. */
  readonly issuer: string;
  /** Address of its JWK Set. */
  readonly jwksUri?: string;
  /** Its public keys, a JWK Set. */
  readonly jwks?: Readonly<Record<string, unknown>>;
  /** Algorithms by which it signs. @default every one for which it has a key */
  readonly algs?: readonly string[];
  /** Scopes that its assertions can lead to. @default any that the client may have */
  readonly scopes?: readonly string[];
}

/** What an assertion says, verified. */
export interface VerifiedAssertion {
  /** Its claims. */
  readonly claims: JwtClaims;
  /** Who signed it. */
  readonly issuer: TrustedIssuer;
  /** The client that presents it. */
  readonly client: Client;
}

/**
 * Says who the subject of an assertion is here.
 * @returns the `sub` of an account; null: nobody
 */
export type SubjectOfAssertion = (
  assertion: VerifiedAssertion,
) => string | null | Promise<string | null>;

/** Options of the JWT bearer grant. */
export interface JwtBearerOptions {
  /** Issuers whose assertions are good; empty: the grant is not offered. @default [] */
  readonly issuers: readonly TrustedIssuer[];
  /** Says who the subject of an assertion is here; required where there are issuers. */
  readonly subject: SubjectOfAssertion | null;
}

const TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** Without a type it may be any JWT; those of other kinds say so. */
const TYPES = ['', 'jwt', 'authorization-grant+jwt'];
/** Kind of the records of used assertions. */
const USED = 'jwt-bearer';
/** Seconds of clock difference that are tolerated. */
const SKEW = 30;
/** Seconds for which an assertion may be valid at most: for as long as its use is remembered. */
const LONGEST_LIFE: Seconds = 3600;

interface BearerParams {
  readonly assertion: string;
  readonly scope: string | undefined;
}

function grantOf(issuers: readonly TrustedIssuer[], subject: SubjectOfAssertion): Grant {
  const trusted = new Map(issuers.map((one) => [one.issuer, one]));
  return defineGrant<BearerParams>({
    type: TYPE,
    // Whoever finds an assertion could use it.
    confidentialOnly: true,
    params: (params) => ({ assertion: params.need('assertion'), scope: params.get('scope') }),

    async redeem(ctx, client, { assertion, scope }) {
      const { claims, issuer } = await verified(ctx, trusted, assertion);
      const asked = await resolveScopes(ctx.settings, client, scope, 'for-user');
      const scopes = asked.filter((one) => issuer.scopes?.includes(one) ?? true);
      if (asked.length > 0 && scopes.length === 0)
        throw new OAuthError(
          'invalid_scope',
          'scope_of_issuer',
          'None of the scopes is available by this assertion.',
          {
            hint: {
              expected: `scopes of its issuer: ${issuer.scopes?.join(' ') || 'none'}`,
              received: asked.join(' '),
            },
          },
        );
      const sub = await subject({ claims, issuer, client });
      if (sub === null) throw refused('subject', { received: 'a subject that is nobody here' });
      await use(ctx, issuer, claims);
      return {
        entitlement: {
          clientId: client.clientId,
          sub,
          authorizationId: null,
          sid: null,
          scopes,
          authTime: null,
          amr: [],
          acr: null,
          details: {},
        },
        scopes,
        nonce: null,
        // RFC 7521 §4.1: the client brings another assertion.
        refreshable: false,
        consumption: null,
        // Nobody signed in here.
        idToken: false,
      };
    },
  });
}

const REASONS = {
  malformed: 'assertion_malformed',
  algorithm: 'assertion_algorithm',
  type: 'assertion_type',
  signature: 'assertion_signature',
  unknown_key: 'assertion_unknown_key',
  issuer: 'assertion_issuer',
  audience: 'assertion_audience',
  expired: 'assertion_expired',
  not_yet_valid: 'assertion_not_yet_valid',
  claim: 'assertion_claim',
  lifetime: 'assertion_lifetime',
  subject: 'assertion_subject',
  replayed: 'assertion_replayed',
  keys_unavailable: 'assertion_keys_unavailable',
} as const;

/** RFC 7521 §4.1.1: the same code for all of them; operators read which. */
function refused(problem: keyof typeof REASONS, hint: RefusalHint): OAuthError {
  const description = 'The assertion is not valid.';
  return new OAuthError('invalid_grant', REASONS[problem], description, { hint });
}

interface Verified {
  readonly claims: JwtClaims;
  readonly issuer: TrustedIssuer;
}

async function verified(
  ctx: RequestContext,
  trusted: ReadonlyMap<string, TrustedIssuer>,
  assertion: string,
): Promise<Verified> {
  try {
    const { header, claims: said } = peekJwt(assertion);
    const issuer = typeof said['iss'] === 'string' ? trusted.get(said['iss']) : undefined;
    // RFC 7523 §3: the issuer is one that the operator trusts.
    if (issuer === undefined)
      throw refused('issuer', {
        expected: 'an issuer of the option jwtBearer.issuers',
        received: nameForLog(String(said['iss'])),
      });
    const { alg, kid } = header;
    // RFC 8725 §3.1: the algorithms are those of the issuer, never what the assertion says.
    if (!(issuer.algs ?? CLIENT_KEY_ALGS).includes(alg))
      throw new JwtError('algorithm', `signed with ${alg.slice(0, 20)}`);
    const { jwks = null, jwksUri = null } = issuer;
    const keys = { jwks, jwksUri };
    const claims = await verifiedByOwner(ctx, keys, assertion, { alg, kid }, TYPES);
    checkClaims(ctx, claims);
    return { claims, issuer };
  } catch (error) {
    if (error instanceof JwtError)
      throw refused(error.problem, {
        expected: 'an assertion as RFC 7523 §3 has it',
        received: error.message,
      });
    if (error instanceof OutboundError)
      throw refused('keys_unavailable', {
        expected: 'a JWK Set at the jwksUri of the issuer',
        received: error.message,
      });
    throw error;
  }
}

function checkClaims(ctx: RequestContext, claims: JwtClaims): void {
  const { aud, exp, sub } = claims;
  const [only, ...others] = Array.isArray(aud) ? (aud as unknown[]) : [aud];
  // RFC 10070: the audience is the issuer of this provider, alone, so that the assertion is good
  // nowhere else.
  if (others.length > 0 || only !== ctx.settings.issuer)
    throw new JwtError('audience', `aud must be ${ctx.settings.issuer}, alone`);
  const now = ctx.now();
  checkTimes(claims, { now, skew: SKEW });
  if (typeof exp === 'number' && exp > now + LONGEST_LIFE + SKEW)
    throw refused('lifetime', { expected: `exp at most ${LONGEST_LIFE} seconds from now` });
  // RFC 7523 §3: sub is required.
  if (typeof sub !== 'string' || sub === '') throw new JwtError('claim', 'sub must be a string');
  requireJti(claims);
}

/** RFC 7523 §3: the jti is used once, of any number of requests at any number of nodes. */
async function use(
  ctx: RequestContext,
  { issuer }: TrustedIssuer,
  claims: JwtClaims,
): Promise<void> {
  const digest = sha256(`${issuer}\n${String(claims['jti'])}`);
  const expiresAt = Math.ceil(Number(claims['exp'])) + 2 * SKEW;
  if (!(await useOnce(ctx, ctx.request, { kind: USED, digest, expiresAt })))
    throw refused('replayed', { expected: 'a new jti for each request' });
}

/** The JWT bearer grant (RFC 7523 §2.1). */
export const jwtBearer: FeatureFactory<JwtBearerOptions> = defineFeature<JwtBearerOptions>({
  name: 'jwt-bearer',
  description: 'The JWT bearer grant (RFC 7523 §2.1); its trusted issuers are given in code',
  options: {
    issuers: {
      kind: 'code',
      description: 'Issuers whose assertions are good',
      default: [],
      check: checkIssuers,
    },
    subject: {
      kind: 'code',
      description: 'Says who the subject of an assertion is',
      default: null,
      nullable: true,
      check: checkFunction,
    },
  },
  create({ issuers, subject }) {
    if (issuers.length === 0) return {};
    if (subject === null)
      throw new ConfigError([
        {
          option: 'jwtBearer.subject',
          problem: 'is missing.',
          remedy: 'Pass a function that says which account an assertion is about.',
        },
      ]);
    return { grants: [grantOf(issuers, subject)] };
  },
});
