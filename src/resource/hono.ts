/**
 * `valetkey/resource/hono`: protecting routes of Hono. `const protect = honoProtect(api)`,
 * `app.get('/photos', protect({ scope: 'photos.read' }), handler)`; in the handler `c.get('auth')`
 * is the token. It works on every platform that Hono supports.
 */
import type { Context, MiddlewareHandler } from 'hono';
import type { ClientCertificate } from 'valetkey';
import type { PassRules, Resource } from './api-contract.ts';
import { formOf } from './form.ts';
import { FUNCTION, requireKnown } from './known-options.ts';
import type { Rule } from './rules.ts';
import type { TokenFacts } from './token-facts.ts';

/** How routes of Hono are protected. */
export interface HonoProtectOptions {
  /**
   * Finds the certificate that the client showed in TLS, for tokens that are bound to one. On
   * `@hono/node-server` it is `peerCertificate()` of `valetkey/node`, called with `c.env.incoming`.
   * @default there is none
   */
  readonly certificate?: (context: Context) => ClientCertificate | null;
}

/** Variables of the context in a protected route. */
export interface HonoAuth<Auth = TokenFacts> {
  /** What `c.get` knows. */
  Variables: {
    /** The token of the request. */
    auth: Auth;
  };
}

/** Makes middleware that lets good tokens pass. */
export interface HonoProtect {
  /**
   * Middleware for a route, or for all below it.
   * @throws ConfigError when the rule is wrong
   */
  (rule?: Rule): MiddlewareHandler<HonoAuth>;
  /**
   * The same, for requests that may pass without a token: `auth` is null then.
   * @throws ConfigError when the rule is wrong
   */
  (rule: Rule, passing: PassRules<Context>): MiddlewareHandler<HonoAuth<TokenFacts | null>>;
  /** Serves the document about the API: `app.use(protect.metadata)`, at the root. */
  readonly metadata: MiddlewareHandler;
}

/** Protects routes of Hono. @throws ConfigError when an option is misspelt */
export function honoProtect(api: Resource, options: HonoProtectOptions = {}): HonoProtect {
  requireKnown<HonoProtectOptions>({ certificate: FUNCTION }, options);
  const { certificate } = options;
  const protect = (rule: Rule = {}, passing: PassRules<Context> = {}): MiddlewareHandler => {
    const judge = api.judge(rule, passing);
    return async (context, next) => {
      const { raw } = context.req;
      const verdict = await judge(
        raw,
        {
          // Hono keeps a body that somebody read before.
          form: async () =>
            raw.bodyUsed ? await context.req.parseBody({ all: true }) : await formOf(raw),
          ...(certificate === undefined ? {} : { certificate: () => certificate(context) }),
        },
        context,
      );
      if (verdict.is === 'refused') {
        const { status, headers, body } = verdict.refused;
        return new Response(body, { status, headers });
      }
      context.set('auth', verdict.is === 'authorized' ? verdict.auth : null);
      return await next();
    };
  };
  const metadata: MiddlewareHandler = async (context, next) =>
    api.handles(context.req.path) ? api.metadata(context.req.raw) : await next();
  return Object.assign(protect as HonoProtect, { metadata });
}
