/**
 * `valetkey/hono`: a provider as Hono middleware: `app.use(honoValetkey(provider))`. It works on
 * every platform that Hono supports. Requests for other paths are passed on to the host.
 */
import type { MiddlewareHandler } from 'hono';
import { cloneRawRequest } from 'hono/request';
import type { Provider } from 'valetkey';

/**
 * The middleware. It answers requests for the provider's paths and passes on all others.
 * @param address finds the address of the peer. By default it is the address of the socket on
 * `@hono/node-server` and unknown on other platforms. Pass it there, because without addresses
 * failed sign-ins are counted per account only
 */
export function honoValetkey(
  provider: Pick<Provider, 'fetch' | 'handles'>,
  address?: (request: Request) => string | undefined,
): MiddlewareHandler {
  return async (context, next) => {
    const { req } = context;
    if (!provider.handles(req.path)) return await next();
    // Earlier middleware may have read the body. Hono keeps it, so it can be read again.
    const request = req.raw.bodyUsed ? await cloneRawRequest(req) : req.raw;
    const ip = address === undefined ? socketAddress(context.env) : address(req.raw);
    return await provider.fetch(request, { ip, native: context });
  };
}

/** The peer's address at the socket, which `@hono/node-server` provides in the environment. */
function socketAddress(env: unknown): string | undefined {
  return (env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined)?.incoming
    ?.socket?.remoteAddress;
}
