/**
 * Authorizations: the durable fact that a subject lets a client do something. What is issued under
 * one is dead when it is gone.
 */
import { base64url } from '../crypto/handles.ts';
import { covers } from '../protocol/scope.ts';
import type { Authorization, Client } from '../store/records.ts';
import { issuedToThis } from './clients.ts';
import type { Context } from './context.ts';

/** What is to be remembered. */
export interface Allowed {
  readonly sub: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /**
   * The subject was asked and said yes. Else only the use of the operator's own application counts.
   */
  readonly asked: boolean;
}

/**
 * What the subject allows this client. One that an earlier client of the same client_id left behind
 * is deleted: a node that had that client in memory may make one after its deletion.
 */
export async function findAuthorization(
  ctx: Context,
  sub: string,
  client: Client,
): Promise<Authorization | null> {
  const found = await ctx.store.authorizations.find(sub, client.clientId);
  if (found === null || issuedToThis(client, found.createdAt)) return found;
  await ctx.store.authorizations.revoke(found, ctx.now(), null);
  return null;
}

/** Makes or widens the authorization, where it does not hold what was allowed already. */
export async function rememberAuthorization(
  ctx: Context,
  allowed: Allowed,
  before: Authorization | null,
): Promise<Authorization> {
  const { sub, clientId } = allowed;
  const scopes = allowed.asked ? allowed.scopes : [];
  if (before !== null && covers(before.scopes, scopes)) return before;
  const now = ctx.now();
  const id = base64url(ctx.settings.random(16));
  const authorization = { id, sub, clientId, scopes, createdAt: now, updatedAt: now };
  return await ctx.store.authorizations.remember(authorization);
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
    'authorization.revoked',
    { sub, clientId },
    async (row) => await ctx.store.authorizations.revoke(authorization, ctx.now(), row),
  );
}
