/**
 * Absolute URLs made from the issuer's origin, never from a request, and the paths that lead to
 * each endpoint.
 */
import type { Settings } from '../domain/settings.ts';
import type { Endpoint } from './contracts/endpoint.ts';

type Place = Pick<Settings, 'issuer' | 'basePath'>;

/** The absolute URL of an endpoint, without the parameters of its path. */
export function endpointUrl({ issuer, basePath }: Place, { path }: Pick<Endpoint, 'path'>): string {
  return `${new URL(issuer).origin}${basePath}/${path.replace(/:.*$/, '')}`;
}

/**
 * Every path at which an endpoint is found, without a slash at its end. A public document is found
 * below the base path, below the issuer, at the root, and in the inserted form of RFC 8414 §3.1 for
 * an issuer with a path.
 */
export function pathsOf(
  { issuer, basePath }: Place,
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
