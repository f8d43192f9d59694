/** Clients that prove themselves by a JWT, and the assertions that they make. */
import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { jwtClientAuthentication } from 'valetkey';
import type { Client } from '../../../src/store/records.ts';
import { type Answer, ISSUER, makeWorld, REDIRECT_URI, read, type World } from '../setup.ts';

export const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const OTHER = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export function jwkOf(key: KeyObject, more: object = {}): Record<string, unknown> {
  return { ...key.export({ format: 'jwk' }), ...more };
}

type Members = Readonly<Record<string, unknown>>;

/** What of an assertion differs from a good one. `undefined` takes a member out. */
export interface Changes {
  readonly header?: Members;
  readonly claims?: Members;
  /** Makes the signature of the input. */
  readonly signed?: (input: string) => Buffer;
}

const base64url = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export const byEc =
  (key: KeyObject = EC.privateKey) =>
  (input: string): Buffer =>
    sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
export const byRsa = (input: string): Buffer => sign('sha256', Buffer.from(input), RSA.privateKey);
export const bySecret =
  (secret: string | Buffer) =>
  (input: string): Buffer =>
    createHmac('sha256', secret).update(input).digest();

/** An assertion by ES256 that is good unless told otherwise. */
export function assertionOf(world: World, clientId: string, changes: Changes = {}): string {
  const header = { alg: 'ES256', kid: 'ec', ...changes.header };
  const claims = {
    iss: clientId,
    sub: clientId,
    aud: ISSUER,
    jti: randomUUID(),
    iat: world.now,
    exp: world.now + 60,
    ...changes.claims,
  };
  const input = `${base64url(header)}.${base64url(claims)}`;
  return `${input}.${(changes.signed ?? byEc())(input).toString('base64url')}`;
}

export interface JwtWorld extends World {
  readonly jwt: Client;
}

/** A world with a client that proves itself by a key. */
export async function makeJwtWorld(
  options: Parameters<typeof jwtClientAuthentication>[0] = {},
  client: object = {},
  config: Parameters<typeof makeWorld>[0] = {},
): Promise<JwtWorld> {
  const world = await makeWorld({ features: [jwtClientAuthentication(options)], ...config });
  const made = await world.provider.clients.create({
    name: 'JWT App',
    redirectUris: [REDIRECT_URI],
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwks: { keys: [jwkOf(EC.publicKey, { kid: 'ec' }), jwkOf(RSA.publicKey, { kid: 'rsa' })] },
    ...client,
  });
  return Object.assign(world, { jwt: made.client });
}

/** Fields of a form that carry an assertion. */
export function asserting(assertion: string): Record<string, string> {
  return { client_assertion: assertion, client_assertion_type: TYPE };
}

/** Posts a form to an endpoint. */
export async function send(
  world: World,
  path: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const all = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
  const body = new URLSearchParams(fields).toString();
  const request = new Request(`${ISSUER}/o/${path}`, { method: 'POST', headers: all, body });
  return await read(await world.provider.fetch(request, { ip: '192.0.2.1' }));
}

export async function ownTokens(
  world: World,
  assertion: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const fields = { grant_type: 'client_credentials', scope: 'read' };
  return await send(world, 'token/', { ...fields, ...asserting(assertion), ...more });
}
