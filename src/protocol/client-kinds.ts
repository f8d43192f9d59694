/**
 * Kinds of applications, each with values that are safe and work for it. A kind is not stored: it
 * only fills in what the caller leaves open.
 */
import type { ClientMetadata } from './client-metadata.ts';
import { isLoopbackHost } from './redirect-uri.ts';

/** The kinds, by what the application is. */
export type ClientKind = 'web' | 'spa' | 'native' | 'service' | 'resource-server' | 'device';

type Preset = (given: Partial<ClientMetadata>) => Partial<ClientMetadata>;

const SIGN_IN = {
  grantTypes: ['authorization_code', 'refresh_token'],
  // Many libraries read names from the ID token alone.
  idTokenClaims: true,
} as const;

const PRESETS: Readonly<Record<ClientKind, Preset>> = {
  web: () => SIGN_IN,
  spa: ({ redirectUris = [] }) => ({
    ...SIGN_IN,
    clientType: 'public',
    allowedOrigins: originsOf(redirectUris),
    // Whoever brings a script into the page can read its tokens.
    refreshTokenAbsoluteLifetime: 86_400,
  }),
  native: () => ({ ...SIGN_IN, clientType: 'public', applicationType: 'native' }),
  service: () => ({ grantTypes: ['client_credentials'] }),
  // RFC 7662 §2.1: it may ask about every token, and gets none itself.
  'resource-server': () => ({ grantTypes: [], responseTypes: [], scopes: ['introspection'] }),
  device: () => ({
    clientType: 'public',
    applicationType: 'native',
    grantTypes: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    idTokenClaims: true,
  }),
};

/** All kinds, in the order in which they are listed. */
export const CLIENT_KINDS: readonly ClientKind[] = Object.keys(PRESETS) as ClientKind[];

/**
 * Metadata of a kind of application: what is given, and where that says nothing, what is right for
 * the kind.
 * @param kind `web`: a server that signs people in; `spa`: a browser application, whose origins are
 * those of its redirect URIs, and whose refresh tokens end after a day; `native`: on a desktop or a
 * phone; `service`: acts for itself; `resource-server`: introspects tokens, and nothing else;
 * `device`: without a browser
 */
export function metadataOfKind<T extends Partial<ClientMetadata>>(
  kind: ClientKind,
  given: T,
): T & Partial<ClientMetadata> {
  const preset = { ...PRESETS[kind](given) };
  // The authentication method says the client type as well.
  if (given.tokenEndpointAuthMethod !== undefined) delete preset.clientType;
  return { ...preset, ...given };
}

/**
 * The origins of redirect URIs: the pages of a browser application call from there. A URI that
 * cannot be registered has none.
 */
export function originsOf(uris: readonly string[]): readonly string[] {
  const origins = uris
    .filter((uri) => /^https?:/i.test(uri) && URL.canParse(uri))
    .map((uri) => new URL(uri))
    .filter(({ protocol, hostname }) => protocol === 'https:' || isLoopbackHost(hostname))
    .map(({ origin }) => origin);
  return [...new Set(origins)];
}
