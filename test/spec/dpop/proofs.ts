/** DPoP proofs, and requests that carry them. */
import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { type Answer, basic, ISSUER, read, type World } from '../setup.ts';

export interface Key {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export const newKey = (): Key => generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const jwkOf = (key: KeyObject): Record<string, unknown> =>
  key.export({ format: 'jwk' }) as Record<string, unknown>;

/** RFC 7638 §3.1. */
export function thumbprintOf({ publicKey }: Key): string {
  const { crv, kty, x, y } = jwkOf(publicKey);
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

type Members = Readonly<Record<string, unknown>>;

export interface Changes {
  readonly header?: Members;
  readonly claims?: Members;
  readonly signedBy?: KeyObject;
  readonly signature?: Buffer;
}

const base64url = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url');

/** A proof that is good for the token endpoint unless told otherwise. */
export function proofOf(world: World, key: Key, changes: Changes = {}): string {
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: jwkOf(key.publicKey), ...changes.header };
  const claims = {
    jti: randomUUID(),
    htm: 'POST',
    htu: `${ISSUER}/o/token/`,
    iat: world.now,
    ...changes.claims,
  };
  const input = `${base64url(header)}.${base64url(claims)}`;
  const by = { key: changes.signedBy ?? key.privateKey, dsaEncoding: 'ieee-p1363' } as const;
  const signature = changes.signature ?? sign('sha256', Buffer.from(input), by);
  return `${input}.${signature.toString('base64url')}`;
}

/** Posts a form, as the web client unless told otherwise. */
export async function send(
  world: World,
  path: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const all = {
    'content-type': 'application/x-www-form-urlencoded',
    authorization: basic(world.web.clientId, world.webSecret),
    ...headers,
  };
  if (all.authorization === '') Reflect.deleteProperty(all, 'authorization');
  const body = new URLSearchParams(fields).toString();
  const request = new Request(`${ISSUER}/o/${path}`, { method: 'POST', headers: all, body });
  return await read(await world.provider.fetch(request, { ip: '192.0.2.1' }));
}

/** Tokens of the client itself, with this proof. */
export async function ownTokens(world: World, proof: string | null): Promise<Answer> {
  const headers: Record<string, string> = proof === null ? {} : { dpop: proof };
  return await send(world, 'token/', { grant_type: 'client_credentials', scope: 'read' }, headers);
}

/** Asks userinfo with a token. */
export async function userinfo(
  world: World,
  scheme: string,
  token: string,
  proof: string | null,
): Promise<Answer> {
  const headers: Record<string, string> = { authorization: `${scheme} ${token}` };
  if (proof !== null) headers['dpop'] = proof;
  const request = new Request(`${ISSUER}/o/userinfo/`, { headers });
  return await read(await world.provider.fetch(request, { ip: '192.0.2.1' }));
}

/** A proof for userinfo with this token. */
export function proofWith(world: World, key: Key, token: string, changes: Changes = {}): string {
  const ath = createHash('sha256').update(token).digest('base64url');
  const claims = { htm: 'GET', htu: `${ISSUER}/o/userinfo/`, ath, ...changes.claims };
  return proofOf(world, key, { ...changes, claims });
}
