/**
 * Discovery (OIDC Discovery §4, RFC 8414 §3): the union of what each endpoint declares, so that it says neither more nor less than what is
 * enabled. Rendered once, served as bytes.
 */
import type { Context } from '../domain/context.ts';
import { type EndpointName, endpointUrl } from '../domain/urls.ts';
import { type PublicDocument, publicDocument, serveDocument } from '../web/documents.ts';
import type { Endpoint, Plugins } from './endpoint.ts';

/** Metadata names of endpoints whose address is published. */
const ADDRESS: Partial<Record<EndpointName, string>> = {
  authorize: 'authorization_endpoint',
  token: 'token_endpoint',
  userinfo: 'userinfo_endpoint',
  introspect: 'introspection_endpoint',
  'revoke-token': 'revocation_endpoint',
  'rp-initiated-logout': 'end_session_endpoint',
  'jwks-info': 'jwks_uri',
};

/** Makes the two discovery endpoints over the list of all others. */
export function discovery(others: readonly Endpoint[]): readonly Endpoint[] {
  let document: PublicDocument | null = null;
  const handle: Endpoint['handle'] = async (ctx, call, plugins) => {
    // OIDC Discovery §3: signing keys must exist for what is announced; a provider without them answers 500 and says so in the log.
    await ctx.keys.published();
    document ??= publicDocument('application/json', JSON.stringify(metadata(ctx, others, plugins)));
    return serveDocument(call, document, ctx.settings.publicMaxAge);
  };
  const names = ['oidc-connect-discovery-info', 'oauth-server-metadata'] as const;
  return names.map((name) => ({
    name,
    methods: ['GET', 'HEAD'],
    refuses: 'json',
    cors: 'any',
    handle,
  }));
}

/** The metadata of this provider (OIDC Discovery §3, RFC 8414 §2). */
export function metadata(
  ctx: Context,
  endpoints: readonly Endpoint[],
  plugins: Plugins,
): Readonly<Record<string, unknown>> {
  const all: Record<string, unknown> = { issuer: ctx.settings.issuer };
  for (const { name } of endpoints) {
    const field = ADDRESS[name];
    if (field !== undefined) all[field] = endpointUrl(ctx.settings, name);
  }
  for (const endpoint of endpoints) Object.assign(all, endpoint.metadata?.(ctx, plugins));
  return all;
}
