/**
 * Absolute URLs made from the issuer's origin, never from a request, and the paths that lead to
 * each endpoint.
 */
import type { Settings } from '../domain/settings.ts';
import { isLoopbackHost } from '../protocol/redirect-uri.ts';
import type { Endpoint } from './contracts/endpoint.ts';

type Place = Pick<Settings, 'issuer' | 'basePath' | 'trailingSlash'>;

/** The absolute URL of an endpoint, without the parameters of its path. */
export function endpointUrl(
  { issuer, basePath, trailingSlash }: Place,
  { path }: Pick<Endpoint, 'path'>,
): string {
  // What follows the slash of a path with parameters is a parameter.
  const written = trailingSlash || path.includes(':') ? path : withoutSlash(path);
  return `${new URL(issuer).origin}${basePath}/${written.replace(/:.*$/, '')}`;
}

/**
 * The same address at the issuer, for a request that came to another name of the same computer:
 * a cookie of one name is not sent to the other, so a sign-in would never end. Null for any other
 * request.
 */
export function addressAtIssuer({ issuer }: Pick<Settings, 'issuer'>, url: URL): string | null {
  const ours = new URL(issuer);
  const isElsewhere =
    url.hostname !== ours.hostname &&
    url.port === ours.port &&
    isLoopbackHost(ours.hostname) &&
    isLoopbackHost(url.hostname);
  return isElsewhere ? `${ours.origin}${url.pathname}${url.search}` : null;
}

/**
 * Every path at which an endpoint is found, without a slash at its end. A public document is found
 * below the base path, below the issuer, at the root, and in the inserted form of RFC 8414 §3.1 for
 * an issuer with a path.
 */
export function pathsOf(
  { issuer, basePath }: Pick<Settings, 'issuer' | 'basePath'>,
  { path, document }: Pick<Endpoint, 'path' | 'document'>,
): readonly string[] {
  if (document === undefined) return [withoutSlash(`${basePath}/${path}`)];
  const issuerPath = withoutSlash(new URL(issuer).pathname);
  const wellKnown = `/.well-known/${document}`;
  const all = [
    wellKnown,
    basePath + wellKnown,
    issuerPath + wellKnown,
    wellKnown + issuerPath,
    wellKnown + basePath,
  ];
  return [...new Set(all)];
}

/** A path without the slash at its end; the root is the empty path. */
export function withoutSlash(path: string): string {
  return path.replace(/\/$/, '');
}
