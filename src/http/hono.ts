/** `valetkey/hono`: a provider as Hono middleware; works wherever Hono runs. `app.use(honoValetkey(provider))`. */
import type { MiddlewareHandler } from 'hono';
import type { Provider } from 'valetkey';

/**
 * Serves the provider's paths and passes on all others.
 * @param address how the peer's address is found where you run; without it failures are counted per account and client only
 */
export function honoValetkey(provider: Provider, address?: (request: Request) => string | undefined): MiddlewareHandler {
  return async (context, next) => {
    if (!provider.handles(context.req.path)) return await next();
    return await provider.fetch(context.req.raw, { ip: address?.(context.req.raw) });
  };
}
