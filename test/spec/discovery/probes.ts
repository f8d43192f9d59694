/** Providers with one switch flipped, and requests that find out what they can do. */
import { generateKeyPairSync } from 'node:crypto';
import {
  type ClientMetadata,
  ClientMetadataError,
  type Config,
  createProvider,
  memoryDatabase,
  type Provider,
} from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { claimsOf, ISSUER, SIGNING_KEYS, START } from '../setup.ts';

export const CALLBACK = 'https://rp.example/cb';

/** A provider, what it announces, and clients that may do all of it. */
export interface Probed {
  readonly provider: Provider;
  /** The document of OIDC Discovery. */
  readonly said: Readonly<Record<string, unknown>>;
}

export async function probed(options: Partial<Config>): Promise<Probed> {
  const silent = (): void => undefined;
  const provider = createProvider({
    issuer: ISSUER,
    store: memoryDatabase(),
    accounts: memoryAccounts([]),
    pages: builtInPages(),
    scopes: { read: 'Read your things' },
    signingKeys: SIGNING_KEYS.filter(({ alg }) => alg === 'ES256'),
    clock: () => START,
    logger: { info: silent, warn: silent, error: silent },
    ...options,
  });
  const said = await documentAt(provider, 'openid-configuration');
  return { provider, said };
}

export async function documentAt(
  provider: Provider,
  name: string,
): Promise<Readonly<Record<string, unknown>>> {
  const response = await provider.fetch(new Request(`${ISSUER}/.well-known/${name}`));
  return (await response.json()) as Record<string, unknown>;
}

/** A list that is announced; empty where it is not. */
export function listed({ said }: Probed, member: string): readonly string[] {
  return (said[member] ?? []) as readonly string[];
}

/** The members of the document that are addresses of endpoints. */
export function endpointsIn(
  said: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  const addresses = Object.entries(said).filter(
    ([name]) => /_endpoint$/.test(name) || ['jwks_uri', 'check_session_iframe'].includes(name),
  );
  return Object.fromEntries(addresses) as Record<string, string>;
}

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const { publicKey: rsaKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
/** Keys of a client, for whatever it signs or reads. */
const JWKS = {
  keys: [
    { ...publicKey.export({ format: 'jwk' }), kid: 'ec' },
    { ...rsaKey.export({ format: 'jwk' }), kid: 'rsa' },
  ],
};

const METHODS = ['client_secret_post', 'client_secret_basic', 'private_key_jwt', 'none'];

/** Metadata of a client that is registered for nothing yet, with the first method there is. */
export function plainClient(world: Probed, methods = METHODS): ClientMetadata {
  const offered = listed(world, 'token_endpoint_auth_methods_supported');
  const method = methods.find((one) => offered.includes(one)) ?? 'none';
  return {
    name: 'Probe',
    tokenEndpointAuthMethod: method,
    grantTypes: [],
    responseTypes: [],
    jwks: JWKS as never,
  };
}

/** Why a client cannot be registered; null when it can. */
export async function refusalOf(
  { provider }: Probed,
  metadata: ClientMetadata,
): Promise<string | null> {
  try {
    await provider.clients.create(metadata);
    return null;
  } catch (error) {
    if (error instanceof ClientMetadataError) return error.message;
    throw error;
  }
}

/** What came back from the authorization endpoint. */
export interface Came {
  /** How it came: `query`, `fragment`, `form_post`, each with `.jwt`; `page` for our own. */
  readonly by: string;
  readonly error: string | null;
  readonly iss: string | null;
  /** The reason on an error page. */
  readonly reason: string | null;
}

/** Sends an authorization request that shows no page, and reads what comes back. */
export async function authorize(
  world: Probed,
  clientId: string,
  changes: Readonly<Record<string, string | null>> = {},
): Promise<Came> {
  const { provider } = world;
  const params = new URLSearchParams();
  const all = {
    client_id: clientId,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid',
    nonce: 'n',
    state: 's',
    prompt: 'none',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...changes,
  };
  for (const [name, value] of Object.entries(all)) if (value !== null) params.set(name, value);
  const response = await provider.fetch(new Request(`${provider.url('authorize')}?${params}`));
  const text = await response.text();
  const location = response.headers.get('location');
  const posted = new URL(CALLBACK).href;
  if (location === null) return text.includes(`action="${posted}"`) ? readPosted(text) : page(text);
  if (!location.startsWith(CALLBACK)) return page(text);
  const { search, hash } = new URL(location);
  return hash === '' ? answered('query', search.slice(1)) : answered('fragment', hash.slice(1));
}

function page(html: string): Came {
  const reason = /id="error-reason"[^>]*>([^<]*)</.exec(html)?.[1]?.trim() ?? null;
  return { by: reason === null ? 'page' : 'error page', error: null, iss: null, reason };
}

function readPosted(html: string): Came {
  const inputs = [...html.matchAll(/name="([a-z_]+)" value="([^"]*)"/g)];
  return answered('form_post', new URLSearchParams(inputs.map(([, n = '', v = '']) => [n, v])));
}

function answered(by: string, text: string | URLSearchParams): Came {
  const params = new URLSearchParams(text);
  const jwt = params.get('response');
  if (jwt === null) return { by, error: params.get('error'), iss: params.get('iss'), reason: null };
  const { error, iss } = claimsOf(jwt);
  return { by: `${by}.jwt`, error: String(error), iss: String(iss), reason: null };
}

/** The error of a token request without a client. */
export async function tokenError(
  { provider }: Probed,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  return (await call(provider, provider.url('token'), fields, headers)).error;
}

/** Posts a form, and reads the JSON that comes back. */
export async function call(
  provider: Provider,
  url: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Record<string, unknown>> {
  const request = new Request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(fields).toString(),
  });
  const text = await (await provider.fetch(request)).text();
  return text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
}
