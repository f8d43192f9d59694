/** The kinds of clients of the table: how each is registered, and how it proves itself. */
import type { Client } from 'valetkey';
import { type Key, newKey, proofOf } from '../../dpop/proofs.ts';
import { asserting, assertionOf, EC, jwkOf } from '../../jwt-client-authentication/assertions.ts';
import { basic, REDIRECT_URI, type World } from '../../setup.ts';

type Fields = Readonly<Record<string, string>>;

/** A client of a kind, in a world. */
export interface Holder {
  readonly client: Client;
  readonly secret: string | null;
  /** The key by which it binds its tokens; null: it does not. */
  readonly key: Key | null;
}

/** What a request carries to prove its client. */
export interface Proof {
  readonly fields: Fields;
  readonly headers: Fields;
}

/** A kind of clients. */
export interface ClientKind {
  readonly name: string;
  readonly method: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none';
  readonly isPublic: boolean;
  /** Its tokens are bound to a key (RFC 9449). */
  readonly isBound: boolean;
}

export const KINDS: readonly ClientKind[] = [
  { name: 'client_secret_basic', method: 'client_secret_basic', isPublic: false, isBound: false },
  { name: 'client_secret_post', method: 'client_secret_post', isPublic: false, isBound: false },
  { name: 'private_key_jwt', method: 'private_key_jwt', isPublic: false, isBound: false },
  { name: 'private_key_jwt with DPoP', method: 'private_key_jwt', isPublic: false, isBound: true },
  { name: 'none', method: 'none', isPublic: true, isBound: false },
  { name: 'none with DPoP', method: 'none', isPublic: true, isBound: true },
];

/** Registers a client of this kind for these grant types. */
export async function register(
  { provider }: World,
  kind: ClientKind,
  grantTypes: readonly string[],
): Promise<Holder> {
  const { client, clientSecret } = await provider.clients.create({
    name: kind.name,
    redirectUris: [REDIRECT_URI],
    grantTypes,
    tokenEndpointAuthMethod: kind.method,
    ...(kind.method === 'private_key_jwt'
      ? { jwks: { keys: [jwkOf(EC.publicKey, { kid: 'ec' })] } }
      : {}),
  });
  return { client, secret: clientSecret ?? null, key: kind.isBound ? newKey() : null };
}

/** What proves the client at the token endpoint, and the key of its tokens. */
export function proves(world: World, { method }: ClientKind, holder: Holder): Proof {
  const { client, secret, key } = holder;
  const { clientId } = client;
  const bound = key === null ? {} : { dpop: proofOf(world, key) };
  switch (method) {
    case 'client_secret_basic':
      return { fields: {}, headers: { authorization: basic(clientId, secret ?? ''), ...bound } };
    case 'client_secret_post':
      return { fields: { client_id: clientId, client_secret: secret ?? '' }, headers: bound };
    case 'private_key_jwt':
      return { fields: asserting(assertionOf(world, clientId)), headers: bound };
    case 'none':
      return { fields: { client_id: clientId }, headers: bound };
  }
}

/** The same with something wrong; null for a client that proves nothing. */
export function provesWrongly(world: World, { method }: ClientKind, holder: Holder): Proof | null {
  const { clientId } = holder.client;
  switch (method) {
    case 'client_secret_basic':
      return { fields: {}, headers: { authorization: basic(clientId, 'wrong') } };
    case 'client_secret_post':
      return { fields: { client_id: clientId, client_secret: 'wrong' }, headers: {} };
    case 'private_key_jwt': {
      const assertion = assertionOf(world, clientId, { claims: { aud: 'https://other.example' } });
      return { fields: asserting(assertion), headers: {} };
    }
    case 'none':
      return null;
  }
}
