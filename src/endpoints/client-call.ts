/** A call of a client to an endpoint of its own: parameters in the form body alone, and who is calling. Shared by all that authenticate clients. */
import { type AuthenticatedClient, authenticateClient } from '../client-auth/client-auth.ts';
import type { Context } from '../domain/context.ts';
import type { Params } from '../protocol/params.ts';
import type { Call } from '../web/call.ts';
import { requireBodyOnly } from '../web/requests.ts';
import type { Plugins } from './endpoint.ts';

/** The form of a call, before anybody is authenticated. @throws OAuthError for parameters in the address and unreadable bodies */
export async function clientForm(call: Call): Promise<Params> {
  requireBodyOnly(call);
  return await call.form();
}

/** @throws OAuthError as `authenticateClient` does */
export async function callingClient(
  ctx: Context,
  call: Call,
  params: Params,
  plugins: Plugins,
): Promise<AuthenticatedClient> {
  const authorization = call.headers.get('authorization');
  return await authenticateClient(ctx, plugins.clientAuthMethods, {
    authorization,
    params,
    ip: call.ip,
  });
}
