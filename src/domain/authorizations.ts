/** Authorizations: the durable fact that a subject lets a client do something. What is issued under one is dead when it is gone. */
import { base64url } from '../crypto/secrets.ts';
import { covers } from '../protocol/scope.ts';
import type { Authorization } from '../store/records.ts';
import type { Context } from './context.ts';

/** What is to be remembered. */
export interface Allowed {
  readonly sub: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** The subject was asked and said yes. Else it is only remembered that the operator's own application was used. */
  readonly asked: boolean;
}

/** Makes or widens the authorization, where it does not hold what was allowed already. */
export async function rememberAuthorization(ctx: Context, allowed: Allowed, before: Authorization | null): Promise<Authorization> {
  const { sub, clientId } = allowed;
  const scopes = allowed.asked ? allowed.scopes : [];
  if (before !== null && covers(before.scopes, scopes)) return before;
  const now = ctx.now();
  const id = base64url(ctx.settings.random(16));
  return await ctx.store.authorizations.remember({ id, sub, clientId, scopes, createdAt: now, updatedAt: now });
}

/** Withdraws what a subject allowed a client, with every token under it. False when there was nothing. */
export async function withdrawAuthorization(
  ctx: Pick<Context, 'store' | 'events' | 'now'>,
  sub: string,
  clientId: string,
): Promise<boolean> {
  const authorization = await ctx.store.authorizations.find(sub, clientId);
  if (authorization === null || !(await ctx.store.authorizations.revoke(authorization.id, ctx.now()))) return false;
  await ctx.events.tell('authorization.revoked', { sub, clientId });
  return true;
}
