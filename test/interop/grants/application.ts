/** What an application does with a library, whichever it is; and how one is registered. */
import { randomBytes } from 'node:crypto';
import { exportJWK } from 'jose';
import { generateKeyPair } from 'oauth4webapi';
import type { ClientMetadata } from 'valetkey';
import type { GrantsProvider } from './provider.ts';
import { REDIRECT_URI } from './provider.ts';

export const GRANT = 'urn:ietf:params:oauth:grant-type';
export const EXCHANGE = `${GRANT}:token-exchange`;
export const BEARER = `${GRANT}:jwt-bearer`;

export type Method = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';

/** What is asked for; a parameter may be repeated. */
export type Parameters = Readonly<Record<string, string | readonly string[]>>;

export function formOf(parameters: Parameters): URLSearchParams {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  );
  return new URLSearchParams(pairs);
}

/** An answer of the token endpoint, as the library hands it on. */
export interface Tokens {
  readonly access_token: string;
  readonly token_type: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
  readonly [member: string]: unknown;
}

/** How an authorization request is sent, and how it is answered. */
export interface Ways {
  /** Pushed first (RFC 9126). */
  readonly par?: boolean;
  /** Signed (RFC 9101). */
  readonly jar?: boolean;
}

/** An application that uses a library. */
export interface Application {
  readonly clientId: string;
  /**
   * Signs Alice in.
   * @param more parameters of the token request
   */
  signIn(parameters: Parameters, ways?: Ways, more?: Parameters): Promise<Tokens>;
  refresh(token: string, parameters?: Parameters): Promise<Tokens>;
  clientCredentials(parameters: Parameters): Promise<Tokens>;
  device(parameters: Parameters): Promise<Tokens>;
  generic(grantType: string, parameters: Parameters): Promise<Tokens>;
  userinfo(accessToken: string, sub: string): Promise<Readonly<Record<string, unknown>>>;
  introspect(token: string): Promise<Readonly<Record<string, unknown>>>;
  revoke(token: string): Promise<void>;
  /** Calls an API. */
  call(url: URL, accessToken: string): Promise<Response>;
}

/** What the library is told about the application. */
export interface Credentials {
  readonly op: GrantsProvider;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly method: Method;
  /** Signs assertions and requests. */
  readonly key: { readonly key: CryptoKey; readonly kid: string };
  /** The key that tokens are bound to; null: they are not. */
  readonly dpop: CryptoKeyPair | null;
  /** Whether responses of the authorization endpoint are JWTs (JARM). */
  readonly isJarm: boolean;
  /** Fields of the registration that the library has to know as well. */
  readonly fields: Readonly<Record<string, string>>;
  /** Opens what was encrypted to the application. */
  readonly decryptionKey: CryptoKey | null;
}

export interface Library {
  readonly name: string;
  open(credentials: Credentials): Promise<Application>;
}

export interface Wanted {
  readonly method?: Method;
  readonly isDpop?: boolean;
  readonly isJarm?: boolean;
  readonly fields?: Readonly<Record<string, string>>;
  readonly isEncrypted?: boolean;
  readonly more?: Partial<ClientMetadata>;
}

/** Registers an application for every grant, and hands it to the library. */
export async function register(
  op: GrantsProvider,
  library: Library,
  wanted: Wanted = {},
): Promise<Application> {
  const { method = 'client_secret_basic', isDpop = false, isJarm = false, fields = {} } = wanted;
  const signing = await generateKeyPair('ES256');
  const encryption = (await crypto.subtle.generateKey(
    { name: 'ECDH', namedCurve: 'P-256' },
    false,
    ['deriveBits'],
  )) as CryptoKeyPair;
  const kid = randomBytes(8).toString('hex');
  const keys = [
    { ...(await exportJWK(signing.publicKey)), kid, use: 'sig', alg: 'ES256' },
    { ...(await exportJWK(encryption.publicKey)), kid: 'enc', use: 'enc', alg: 'ECDH-ES' },
  ];
  const { client, clientSecret } = await op.provider.clients.create({
    name: library.name,
    redirectUris: [REDIRECT_URI],
    grantTypes: [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      'password',
      `${GRANT}:device_code`,
      EXCHANGE,
      BEARER,
    ],
    tokenEndpointAuthMethod: method,
    jwks: { keys },
    fields: { ...fields, dpop_bound_access_tokens: isDpop },
    ...wanted.more,
  });
  return await library.open({
    op,
    clientId: client.clientId,
    clientSecret: clientSecret ?? '',
    method,
    key: { key: signing.privateKey, kid },
    dpop: isDpop ? await generateKeyPair('ES256') : null,
    isJarm,
    fields,
    decryptionKey: wanted.isEncrypted === true ? encryption.privateKey : null,
  });
}
