/** Where each endpoint lives: the one list of paths, and absolute URLs made from the issuer's origin, never from a request. */
import type { Settings } from './settings.ts';

/** Paths below the base path, by endpoint name. Each answers with and without its trailing slash. */
export const ENDPOINT_PATHS = {
  authorize: 'authorize/',
  interaction: 'interaction/',
  token: 'token/',
  userinfo: 'userinfo/',
  introspect: 'introspect/',
  'revoke-token': 'revoke_token/',
  'rp-initiated-logout': 'logout/',
  'oidc-connect-discovery-info': '.well-known/openid-configuration',
  'oauth-server-metadata': '.well-known/oauth-authorization-server',
  'jwks-info': '.well-known/jwks.json',
  assets: 'assets/',
} as const;
export type EndpointName = keyof typeof ENDPOINT_PATHS;

/** The absolute URL of an endpoint. */
export function endpointUrl(
  settings: Pick<Settings, 'issuer' | 'basePath'>,
  name: EndpointName,
): string {
  return `${new URL(settings.issuer).origin}${settings.basePath}/${ENDPOINT_PATHS[name]}`;
}

/**
 * Every path at which the public documents are found: below the base path, below the issuer, at the root, and in the inserted form
 * of RFC 8414 §3.1 for an issuer with a path. Without trailing slashes.
 */
export function documentPaths(
  settings: Pick<Settings, 'issuer' | 'basePath'>,
  file: string,
): readonly string[] {
  const issuerPath = new URL(settings.issuer).pathname.replace(/\/$/, '');
  const wellKnown = `/.well-known/${file}`;
  return [
    ...new Set([
      wellKnown,
      settings.basePath + wellKnown,
      issuerPath + wellKnown,
      wellKnown + issuerPath,
      wellKnown + settings.basePath,
    ]),
  ];
}
