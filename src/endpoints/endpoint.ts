/** The contract of a URL: one file each, one entry in the list of `provider.ts`. */
import type { ClientAuthMethod } from '../client-auth/client-auth.ts';
import type { Context } from '../domain/context.ts';
import type { EndpointName } from '../domain/urls.ts';
import type { Grant } from '../grants/grant.ts';
import type { Call } from '../web/call.ts';
import type { CorsRule } from '../web/cors.ts';

/** What endpoints get besides the context: the plug-ins in force. */
export interface Plugins {
  readonly grants: ReadonlyMap<string, Grant>;
  readonly clientAuthMethods: readonly ClientAuthMethod[];
}

export interface Endpoint {
  readonly name: EndpointName;
  /** Methods it serves; others get 405. */
  readonly methods: readonly string[];
  /** How a refusal is shown: JSON, or a page that people read. */
  readonly refuses: 'json' | 'page';
  /** Which other origins may read its answers. Default: none; pages and the authorization endpoint have no other (RFC 9700 §2.6). */
  readonly cors?: CorsRule;
  /** What it adds to the discovery documents. */
  metadata?(ctx: Context, plugins: Plugins): Readonly<Record<string, unknown>>;
  handle(ctx: Context, call: Call, plugins: Plugins): Promise<Response>;
}
