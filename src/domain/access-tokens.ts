/** Access tokens that come back: what one is worth now. */
import { sha256 } from '../crypto/bytes.ts';
import { handleBody } from '../crypto/secrets.ts';
import type { AccessToken, Client } from '../store/records.ts';
import type { Context } from './context.ts';

/** The token's record and client if it is live at this moment; null for anything else. One trip to the store. */
export async function findLiveAccessToken(
  ctx: Context,
  text: string,
): Promise<{ readonly token: AccessToken; readonly client: Client } | null> {
  if (handleBody('accessToken', text) === null) return null;
  const found = await ctx.store.tokens.findAccessToken(sha256(text));
  if (found === null || !found.live || found.token.expiresAt <= ctx.now()) return null;
  const client = await ctx.clients.find(found.token.clientId);
  return client === null || client.disabledAt !== null ? null : { token: found.token, client };
}
