/**
 * `valetkey/hono`: a provider as Hono middleware; works wherever Hono runs.
 * `app.use(honoValetkey(provider))`. What is not the provider's goes on to the host.
 */
import type { MiddlewareHandler } from 'hono';
import { cloneRawRequest } from 'hono/request';
import type { Provider } from 'valetkey';

/**
 * Serves the provider's paths and passes on all others.
 * @param address how the peer's address is found where you run. On `@hono/node-server` it is the
 * socket's, unless given; elsewhere failures are counted per account only, so give it
 */
export function honoValetkey(
  provider: Pick<Provider, 'fetch' | 'handles'>,
  address?: (request: Request) => string | undefined,
): MiddlewareHandler {
  return async (context, next) => {
    const { req } = context;
    if (!provider.handles(req.path)) return await next();
    // Middleware that ran before may have read the body; Hono has kept it.
    const request = req.raw.bodyUsed ? await cloneRawRequest(req) : req.raw;
    const ip = address === undefined ? socketAddress(context.env) : address(req.raw);
    return await provider.fetch(request, { ip, native: context });
  };
}

/** What `@hono/node-server` hands over: the peer as the socket knows it. */
function socketAddress(env: unknown): string | undefined {
  return (env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined)?.incoming
    ?.socket?.remoteAddress;
}
