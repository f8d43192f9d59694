/**
 * Authorizations: the durable fact that a subject lets a client do something. Deleting one ends
 * everything that was issued under it.
 */

import { base64url } from '../crypto/handles.ts';
import { covers } from '../protocol/scope.ts';
import type { Authorization, Client, Session } from '../store/records.ts';
import type { Context } from './context.ts';
import { authorizationRevoked } from './event-definitions.ts';
import { issuedToThis } from './former-clients.ts';

/** What is to be remembered. */
export interface Allowed {
  readonly sub: string;
  /** The client, as it was when the subject was asked. */
  readonly client: Client;
  /** The session in which the subject was asked. */
  readonly session: Pick<Session, 'handle' | 'sid'>;
  readonly scopes: readonly string[];
  /**
   * True when the subject was asked and agreed; false for the operator's own application, which
   * asks nobody.
   */
  readonly asked: boolean;
  /** Scopes that were allowed so long ago that they count no longer. @default none */
  readonly expired?: readonly string[] | undefined;
}

/** What the subject allows this client. */
export async function findAuthorization(
  ctx: Context,
  sub: string,
  client: Client,
): Promise<Authorization | null> {
  return await ofThisClient(ctx, client, await ctx.store.authorizations.find(sub, client.clientId));
}

/**
 * An authorization that was found, unless it is of an earlier client with the same client_id: then
 * it is deleted. Another node may have stored it after that client was deleted.
 */
export async function ofThisClient(
  ctx: Context,
  client: Client,
  found: Authorization | null,
): Promise<Authorization | null> {
  if (found === null || issuedToThis(client, found.createdAt)) return found;
  await ctx.store.authorizations.revoke(found, ctx.now(), null);
  return null;
}

/**
 * Makes or widens the authorization, unless it holds everything already. Nothing is remembered when
 * another node changed the client, so that nobody allows a new client what they were asked for an
 * earlier one, or ended the session.
 */
export async function rememberAuthorization(
  ctx: Context,
  allowed: Allowed,
  before: Authorization | null,
): Promise<Authorization | 'session_ended' | 'client_changed'> {
  const { sub, client, session } = allowed;
  const { clientId } = client;
  const scopes = allowed.asked ? allowed.scopes : [];
  if (before !== null && covers(before.scopes, scopes)) return before;
  // Before the time is taken: nothing is allowed to a client before it is there.
  await ctx.clients.keep(client, ctx.events);
  const now = ctx.now();
  const id = base64url(ctx.settings.random(16));
  const authorization = { id, sub, clientId, scopes, createdAt: now, updatedAt: now };
  const { expired = [] } = allowed;
  const conditions = { clientVersion: client.version, session, expired };
  return await ctx.store.authorizations.remember(authorization, conditions);
}

/**
 * Withdraws what a subject allowed a client, with every token under it. False when there was
 * nothing.
 */
export async function withdrawAuthorization(
  ctx: Context,
  sub: string,
  clientId: string,
): Promise<boolean> {
  const authorization = await ctx.store.authorizations.find(sub, clientId);
  if (authorization === null) return false;
  return await ctx.events.act(
    authorizationRevoked,
    { sub, clientId },
    async (row) => await ctx.store.authorizations.revoke(authorization, ctx.now(), row),
  );
}
