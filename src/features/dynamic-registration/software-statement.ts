/**
 * Software statements (RFC 7591 §2.3): metadata that somebody whom the operator trusts has signed.
 * Its values take the place of what the client sends itself.
 */
import { checkTimes, type JwtClaims, JwtError, type JwtHeader, peekJwt } from '../../crypto/jwt.ts';
import { verifiedByOwner } from '../../domain/client-keys.ts';
import { OutboundError } from '../../domain/outbound.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import { OAuthError, type RefusalHint } from '../../protocol/errors.ts';
import { CLIENT_KEY_ALGS } from '../../protocol/key-sets.ts';

/** Who may sign software statements: the key set of each, or its address, by `iss`. */
export type StatementIssuers = Readonly<Record<string, unknown>>;

const TYPES = ['', 'jwt', 'software-statement+jwt'];
/** Seconds of clock difference that are tolerated. */
const SKEW = 30;

/**
 * The claims of a software statement.
 * @throws OAuthError `invalid_software_statement` or `unapproved_software_statement`
 */
export async function readStatement(
  ctx: EngineContext,
  statement: unknown,
  issuers: StatementIssuers,
): Promise<JwtClaims> {
  try {
    if (typeof statement !== 'string') throw new JwtError('malformed', 'no string');
    const { header, claims } = peekJwt(statement);
    const { iss } = claims;
    if (typeof iss !== 'string' || !Object.hasOwn(issuers, iss)) throw unapproved();
    const verified = await verify(ctx, statement, header, keysOf(issuers[iss]));
    requireStatement(ctx, verified);
    const now = ctx.now();
    // RFC 7591 §2.3 asks for no end.
    checkTimes({ exp: now + 1, ...verified }, { now, skew: SKEW });
    return verified;
  } catch (error) {
    if (error instanceof JwtError)
      throw refused({ expected: 'a software statement that is good', received: error.message });
    if (error instanceof OutboundError)
      throw refused({ expected: 'a JWK Set of its issuer', received: error.message });
    throw error;
  }
}

/** RFC 8725 §3.12: another JWT of the issuer, such as an ID token, is no software statement. */
function requireStatement(ctx: EngineContext, { aud, nonce }: JwtClaims): void {
  const ours = [ctx.settings.issuer, ctx.url('registration')];
  const isForUs = aud === undefined || [aud].flat().some((one) => ours.includes(String(one)));
  if (!isForUs) throw new JwtError('audience', 'it is for somebody else');
  if (nonce !== undefined) throw new JwtError('claim', 'it is an ID token');
}

function keysOf(given: unknown): Parameters<typeof verifiedByOwner>[1] {
  return typeof given === 'string'
    ? { jwks: null, jwksUri: given }
    : { jwks: given as Readonly<Record<string, unknown>>, jwksUri: null };
}

async function verify(
  ctx: EngineContext,
  statement: string,
  { alg, kid }: JwtHeader,
  keys: Parameters<typeof verifiedByOwner>[1],
): Promise<JwtClaims> {
  // RFC 8725 §3.1: signed with a key that fits one of the algorithms that we take, never by none.
  if (!CLIENT_KEY_ALGS.includes(alg)) throw new JwtError('algorithm', 'its algorithm');
  return await verifiedByOwner(ctx, keys, statement, { alg, kid }, TYPES);
}

/** The refusal of a statement that is missing or not good (RFC 7591 §3.2.2). */
export function refused(hint: RefusalHint): OAuthError {
  return new OAuthError(
    'invalid_software_statement',
    'software_statement',
    'The software statement is missing or not valid.',
    { hint },
  );
}

function unapproved(): OAuthError {
  return new OAuthError(
    'unapproved_software_statement',
    'software_statement_issuer',
    'The software statement is of nobody who is trusted here.',
    { hint: { expected: 'an issuer of the option softwareStatementIssuers' } },
  );
}
