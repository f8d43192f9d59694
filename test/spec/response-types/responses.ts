/** Clients of every response type, and what a response brought them. */
import { createHash } from 'node:crypto';
import { type Client, type Config, responseTypes } from 'valetkey';
import { readForm, type Visit } from 'valetkey/testing';
import { makeWorld, type World } from '../setup.ts';

/** The response types that are not `code`, in the order of their definitions. */
export const TYPES = [
  'id_token',
  'id_token token',
  'token',
  'code id_token',
  'code token',
  'code id_token token',
] as const;

/** A world where access tokens may leave through the front channel. */
export async function implicitWorld(options: Partial<Config> = {}): Promise<World> {
  const { features = [], ...rest } = options;
  return await makeWorld({
    ...rest,
    features: [responseTypes({ allowImplicit: true }), ...features],
  });
}

/** Lets a client use every response type there is. */
export async function allowAll(world: World, client: Client): Promise<void> {
  const grantTypes = ['authorization_code', 'refresh_token', 'implicit'];
  const all = ['code', ...TYPES, 'none'];
  await world.provider.clients.update(client.clientId, { grantTypes, responseTypes: all });
}

/** The parameters of a response, in the fragment or in the form that posts them. */
export function received(visit: Visit): URLSearchParams {
  if (visit.leaves !== null) return new URLSearchParams(visit.leaves.hash.slice(1));
  return new URLSearchParams(readForm(visit.html).fields);
}

/** The left half of a SHA-256 digest (OIDC Core §3.3.2.11). */
export function half(text: string): string {
  return createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url');
}
