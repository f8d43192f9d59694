/**
 * Authorization codes: making one, and what became of it. The grant proves a code; its single use
 * is the store's.
 */
import { sha256 } from '../crypto/bytes.ts';
import { formatHandle, newHandle } from '../crypto/handles.ts';
import type { AuthorizationRequest } from '../protocol/authorization-request.ts';
import type {
  Authorization,
  Client,
  Code,
  Details,
  OneTimeKey,
  Session,
} from '../store/records.ts';
import type { CodeOutcome } from '../store/store.ts';
import { lifetimesOf } from './client-lifetimes.ts';
import type { Context } from './context.ts';
import type { Interaction } from './interactions.ts';

/**
 * The text of the code that answers an interaction. It depends on person, browser and session: a
 * double click or a reload makes one code, not two, and another browser that holds the same
 * interaction gets another code. Without an interaction it is random.
 * @param purpose what it is for: codes of one interaction for several purposes differ
 */
export function codeText(
  ctx: Context,
  interaction: Interaction | null,
  session: Session,
  purpose = 'code',
): string {
  if (interaction === null) return newHandle('code', ctx.settings.random);
  const { id, browser } = interaction;
  if (browser === null) throw new Error('An interaction without a browser gets no code.');
  const parts = [id, browser, session.sid, session.sub].join('\n');
  return formatHandle('code', ctx.vault.mac(purpose, parts));
}

/**
 * What became of a code: never made (or forgotten), waiting to be redeemed, or over. One that was
 * made for something else is over as well: the page was answered in another way before.
 */
export async function stateOfCode(
  ctx: Context,
  text: string,
  allowed: AllowedNow,
): Promise<'none' | 'waiting' | 'over'> {
  const found = await ctx.store.codes.find(sha256(text));
  if (found === null) return 'none';
  const { consumedAt, expiresAt } = found.code;
  const isWaiting = consumedAt === null && expiresAt > ctx.now();
  return isWaiting && isFor(found.code, allowed) ? 'waiting' : 'over';
}

/** What the subject allowed. */
interface AllowedNow {
  readonly request: Pick<AuthorizationRequest, 'scopes'>;
  /** The claims asked for by name are among them: their scope can be refused as well. */
  readonly details: Details;
}

/** True for a code that was made for what is allowed now. */
export function isFor(code: Code, { request, details }: AllowedNow): boolean {
  return (
    code.scopes.join(' ') === request.scopes.join(' ') &&
    JSON.stringify(code.details) === JSON.stringify(details)
  );
}

/** What a code is bound to. */
export interface CodeFacts {
  /** The client, as it was when the request was judged. */
  readonly client: Client;
  readonly request: AuthorizationRequest;
  readonly session: Session;
  readonly authorization: Authorization;
  /** The redirect_uri parameter as sent; null when the only registered one was used instead. */
  readonly sentRedirectUri: string | null;
  readonly codeChallenge: string | null;
  readonly nonce: string | null;
  readonly details: Details;
  /** The one-time record that dies with the request, such as a pushed request. */
  readonly consumes: OneTimeKey | null;
}

/** The record of a new code, bound to everything it was asked with. */
export function newCode(ctx: Context, text: string, facts: CodeFacts): Code {
  const { request, session, authorization, sentRedirectUri, codeChallenge, nonce } = facts;
  const now = ctx.now();
  return {
    digest: sha256(text),
    clientId: request.clientId,
    sub: session.sub,
    authorizationId: authorization.id,
    sid: session.sid,
    scopes: request.scopes,
    authTime: session.authTime,
    amr: session.amr,
    acr: session.acr,
    details: facts.details,
    redirectUri: sentRedirectUri,
    codeChallenge,
    nonce,
    createdAt: now,
    expiresAt: now + lifetimesOf(ctx, facts.client).code,
    failedAttempts: 0,
    consumedAt: null,
    familyId: null,
  };
}

/** Stores a code, unless it exists, the session has ended or the client was changed. */
export async function storeCode(
  ctx: Context,
  code: Code,
  facts: Pick<CodeFacts, 'client' | 'session' | 'consumes'>,
): Promise<CodeOutcome> {
  return await ctx.store.codes.insert(code, {
    clientVersion: facts.client.version,
    session: facts.session.handle,
    consumes: facts.consumes,
  });
}
