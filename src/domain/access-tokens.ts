/**
 * Access tokens: making one, judging one that is presented, ending one. `issuance.ts` stores a new
 * one together with everything issued beside it.
 */
import { sha256 } from '../crypto/bytes.ts';
import { newHandle, parseHandle } from '../crypto/handles.ts';
import type {
  AccessToken,
  AuditEvent,
  Client,
  Details,
  Entitlement,
  Seconds,
} from '../store/records.ts';
import type { FoundAccessToken } from '../store/store.ts';
import { type Confirmation, withConfirmation } from './confirmations.ts';
import type { Context } from './context.ts';
import { issuedToThis } from './former-clients.ts';
import type { AccessTokenFormatName } from './resources.ts';

/** Characters of a token. */
const LONGEST = 16_384;

/** RFC 9068 §2.1: explicit typing, so that no other JWT is taken for an access token. */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

/** A new token: the text for the client, and the record we keep. */
export interface MadeAccessToken {
  readonly text: string;
  readonly record: AccessToken;
}

/** What a new access token is for. */
export interface AccessTokenFacts {
  readonly clientId: string;
  /** Seconds that it lives, at most. */
  readonly lifetime: Seconds;
  readonly scopes: readonly string[];
  /** Null when the client acts for itself. */
  readonly entitlement: Entitlement | null;
  /** What takes the place of details of the entitlement. */
  readonly details: Details;
  /** What it is bound to; empty: nothing. */
  readonly confirmation: Confirmation;
  /** Its family and the end of that family, which no token outlives. */
  readonly family: { readonly id: string; readonly expiresAt: number } | null;
  /** Its text. @default a random one */
  readonly text?: string;
  /** When it is issued. @default now */
  readonly issuedAt?: Seconds;
}

/** What holds for an access token because of the APIs that it is for. */
export interface AccessTokenBounds {
  /** Its scopes: those of the request that the APIs have. */
  readonly scopes: readonly string[];
  /** Seconds that it lives at most; null: as the client is registered. */
  readonly lifetime: Seconds | null;
  /** Its format: `opaque` for a random text. */
  readonly format: AccessTokenFormatName;
}

/** A token that is not written yet. */
export type UnwrittenAccessToken = Omit<AccessToken, 'digest'>;

/**
 * Writes the text of a token that APIs read by themselves, such as a JWT. Get it before anything is
 * consumed, so that a missing key consumes nothing.
 */
export type AccessTokenWriter = (
  token: UnwrittenAccessToken,
  entitlement: Entitlement | null,
) => Promise<string>;

/** Makes a token with a random text, or with the one that is given. */
export function makeAccessToken(ctx: Context, facts: AccessTokenFacts): MadeAccessToken {
  const text = facts.text ?? newHandle('accessToken', ctx.settings.random);
  return { text, record: { digest: sha256(text), ...unwritten(ctx, facts) } };
}

/**
 * Makes a token whose text a writer writes. The store finds it by its whole text, as any other, so
 * that nobody makes one valid by signing it.
 */
export async function writeAccessToken(
  ctx: Context,
  facts: Omit<AccessTokenFacts, 'text'>,
  write: AccessTokenWriter,
): Promise<MadeAccessToken> {
  const token = unwritten(ctx, facts);
  const text = await write(token, facts.entitlement);
  // A longer one could be neither introspected nor revoked.
  if (text.length > LONGEST)
    throw new Error(`The access token has ${text.length} characters: say less in its claims.`);
  return { text, record: { digest: sha256(text), ...token } };
}

function unwritten(ctx: Context, facts: AccessTokenFacts): UnwrittenAccessToken {
  const { clientId, lifetime, scopes, entitlement, details, confirmation, family } = facts;
  const now = facts.issuedAt ?? ctx.now();
  return {
    familyId: family?.id ?? null,
    authorizationId: entitlement?.authorizationId ?? null,
    clientId,
    sub: entitlement?.sub ?? null,
    sid: entitlement?.sid ?? null,
    scopes,
    details: withConfirmation({ ...entitlement?.details, ...details }, confirmation),
    issuedAt: now,
    expiresAt: Math.min(now + lifetime, family?.expiresAt ?? Number.POSITIVE_INFINITY),
  };
}

/** True for a text with the shape of an access token: nothing else costs a look-up. */
export function isAccessTokenText(text: string): boolean {
  if (parseHandle('accessToken', text) !== null) return true;
  if (!text.startsWith('eyJ') || text.length > LONGEST) return false;
  const [header = '', ...parts] = text.split('.', 6);
  const { typ, enc } = headerIn(header);
  // RFC 9068 §2.1: at+jwt; one that is encrypted to an API cannot be read here.
  return typ === ACCESS_TOKEN_TYPE ? parts.length === 2 : parts.length === 4 && enc !== undefined;
}

function headerIn(segment: string): { readonly typ?: unknown; readonly enc?: unknown } {
  try {
    const header: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString());
    return typeof header === 'object' && header !== null ? header : {};
  } catch {
    return {};
  }
}

/** The token that another one was made from, and dies with (RFC 8693). */
export interface Origin {
  /** Its digest. */
  readonly digest: string;
  /** How many there are in a row. */
  readonly depth: number;
}

const ORIGIN = 'origin';

/** The token that one with these details was made from; null where it stands by itself. */
export function originIn(details: Details): Origin | null {
  return (details[ORIGIN] as Origin | undefined) ?? null;
}

/** The details of a token that is made from another one. */
export function withOrigin(details: Details, origin: Origin | null): Details {
  const { [ORIGIN]: _, ...rest } = details;
  return origin === null ? rest : { ...rest, [ORIGIN]: origin };
}

/** A token that is worth something now. */
export interface LiveAccessToken {
  readonly token: AccessToken;
  readonly client: Client;
  /** How its subject was signed in; null when it acts for the client itself. */
  readonly login: FoundAccessToken['login'];
}

/**
 * The token's record and client if it is live at this moment; null for anything else. One trip to
 * the store.
 */
export async function findLiveAccessToken(
  ctx: Context,
  text: string,
): Promise<LiveAccessToken | null> {
  return isAccessTokenText(text) ? await findLive(ctx, sha256(text)) : null;
}

async function findLive(ctx: Context, digest: string): Promise<LiveAccessToken | null> {
  const found = await ctx.store.tokens.findAccessToken(digest);
  if (found === null || !found.live || found.token.expiresAt <= ctx.now()) return null;
  // It dies with the token that it was made from, whatever that died of.
  const origin = originIn(found.token.details);
  if (origin !== null && (await findLive(ctx, origin.digest)) === null) return null;
  const client = await ctx.clients.findEnabled(found.token.clientId);
  return client === null || !issuedToThis(client, found.token.issuedAt)
    ? null
    : { token: found.token, client, login: found.login };
}

/**
 * Ends a token of this client, with the family it belongs to. False when there is nothing to end.
 */
export async function endAccessToken(
  ctx: Context,
  client: Client,
  text: string,
  audit: AuditEvent,
): Promise<boolean> {
  if (!isAccessTokenText(text)) return false;
  // RFC 7009 §2.1: the token was issued to the client that asks.
  const { clientId } = client;
  return await ctx.store.tokens.revokeAccessToken(sha256(text), clientId, ctx.now(), audit);
}
