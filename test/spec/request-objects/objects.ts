/** Request objects of a client with keys, and requests that carry them. */
import { generateKeyPairSync } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import type { Client, Config } from 'valetkey';
import { ISSUER, makeWorld, pkce, REDIRECT_URI, type World } from '../setup.ts';

export const KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const OTHER = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** A world where the web client has a key. */
export async function keyedWorld(
  options: Partial<Config> = {},
  fields: Readonly<Record<string, unknown>> = {},
): Promise<World> {
  const world = await makeWorld(options);
  const jwks = { keys: [{ ...KEY.publicKey.export({ format: 'jwk' }), kid: 'ec' }] };
  const web = await world.provider.clients.update(world.web.clientId, { jwks, fields });
  return Object.assign(world, { web: web as Client });
}

/** What a good request object says, changed as told; undefined takes a member out. */
export function claimsOfRequest(world: World, changes: object = {}): JWTPayload {
  const { clientId } = world.web;
  return {
    iss: clientId,
    aud: ISSUER,
    client_id: clientId,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid read',
    state: 'inside',
    nonce: 'inside-nonce',
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
    ...changes,
  };
}

export async function signed(
  claims: JWTPayload,
  header: object = {},
  key = KEY.privateKey,
): Promise<string> {
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'ec', ...header })
    .sign(key);
}

/** A JWT with alg none (RFC 7519 §6). */
export function unsigned(claims: JWTPayload): string {
  const encode = (value: unknown): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'none' })}.${encode(claims)}.`;
}

/** A request that carries a request object; what stands beside it. */
export function carrying(
  world: World,
  request: string,
  beside: Readonly<Record<string, string>> = {},
): string {
  const params = new URLSearchParams({ client_id: world.web.clientId, request, ...beside });
  return `${world.provider.url('authorize')}?${params}`;
}
