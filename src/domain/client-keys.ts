/**
 * Public keys of clients: registered with them, or behind their `jwks_uri`. A key verifies only
 * what names an algorithm that fits it, and only for the client that registered it.
 */
import { type JwtClaims, JwtError, type JwtKey, verifyJwt } from '../crypto/jwt.ts';
import { importPublicKey, type KeyObject } from '../crypto/public-keys.ts';
import {
  fittingKeys,
  isForSignatures,
  keysForEncryption,
  keysIn,
  type SetKey,
} from '../protocol/key-sets.ts';
import type { Client } from '../store/records.ts';
import { shelfOf } from './client-rules.ts';
import type { Context } from './context.ts';
import { OutboundError } from './outbound.ts';

/** What a signature was made with, as its header says. */
export interface SignedWith {
  readonly alg: string;
  readonly kid: string | undefined;
}

/** Keys that are tried for a signature without a key id. */
const MOST_TRIED = 5;

/** Keys as Node has them, by their JSON: importing one costs more than verifying with it. */
const imported = new WeakMap<SetKey, KeyObject | null>();

/** Where keys of somebody are. */
type KeyOwner = Pick<Client, 'jwks' | 'jwksUri'> & Partial<Pick<Client, 'registrationSource'>>;

/**
 * The keys of a client that may have made a signature. When none of a `jwks_uri` does, it is read
 * again, at most once a minute.
 * @throws OutboundError when the `jwks_uri` cannot be read
 */
async function clientKeys(
  ctx: Pick<Context, 'outbound'>,
  owner: KeyOwner,
  signedWith: SignedWith,
): Promise<readonly KeyObject[]> {
  const find = (set: readonly SetKey[]): readonly KeyObject[] | null => {
    const keys = usableKeys(set, signedWith);
    return keys.length === 0 ? null : keys;
  };
  return (await findInKeys(ctx, owner, find)) ?? [];
}

/**
 * Finds something in the keys of somebody. Those behind a `jwks_uri` are read again for what is not
 * in them, at most once a minute.
 * @throws OutboundError when the `jwks_uri` cannot be read
 */
async function findInKeys<T>(
  { outbound }: Pick<Context, 'outbound'>,
  owner: KeyOwner,
  find: (set: readonly SetKey[]) => T | null,
): Promise<T | null> {
  const { jwks, jwksUri } = owner;
  if (jwks !== null) return find(keysIn(jwks) ?? []);
  if (jwksUri === null) return null;
  const shelf = shelfOf(owner);
  const first = await outbound.json(jwksUri, { shelf });
  const known = find(documentKeys(first.value));
  if (known !== null || first.isNew) return known;
  return find(documentKeys((await outbound.again(jwksUri, { shelf })).value));
}

function documentKeys(document: unknown): readonly SetKey[] {
  const keys = keysIn(document);
  if (keys === null) throw new OutboundError('json', 'the document is no JWK Set');
  return keys;
}

/**
 * The keys behind a `jwks_uri` as they are now, when those in memory do not verify a signature: its
 * key may be new and have no id, or the id of another. Empty when nothing newer is to be had: it is
 * read at most once a minute.
 * @throws OutboundError when the `jwks_uri` cannot be read
 */
async function renewedKeys(
  { outbound }: Pick<Context, 'outbound'>,
  owner: KeyOwner,
  signedWith: SignedWith,
): Promise<readonly KeyObject[]> {
  const { jwks, jwksUri } = owner;
  if (jwks !== null || jwksUri === null) return [];
  const { value, isNew } = await outbound.again(jwksUri, { shelf: shelfOf(owner) });
  return isNew ? usableKeys(documentKeys(value), signedWith) : [];
}

/**
 * The claims of a JWT that a key of this owner signed; the keys behind a `jwks_uri` are read again
 * when none of them did.
 * @throws JwtError, OutboundError when the `jwks_uri` cannot be read
 */
export async function verifiedByOwner(
  ctx: Pick<Context, 'outbound'>,
  owner: KeyOwner,
  jwt: string,
  { alg, kid }: SignedWith,
  types: readonly string[],
): Promise<JwtClaims> {
  const keys = await clientKeys(ctx, owner, { alg, kid });
  if (keys.length === 0) throw new JwtError('unknown_key', 'no key fits');
  const renewed = async (): Promise<readonly KeyObject[]> =>
    await renewedKeys(ctx, owner, { alg, kid });
  const signed =
    (await signedBy(keys, jwt, alg, types)) ?? (await signedBy(await renewed(), jwt, alg, types));
  if (signed === null) throw new JwtError('signature', 'the signature is not valid');
  return signed.claims;
}

/**
 * The claims, and the place of the key that signed them, if one of these did; without a key id
 * several may have.
 * @throws JwtError when something else than the signature is wrong
 */
export async function signedBy(
  keys: readonly JwtKey['key'][],
  jwt: string,
  alg: string,
  types: readonly string[],
): Promise<{ readonly claims: JwtClaims; readonly by: number } | null> {
  for (const [by, key] of keys.entries()) {
    try {
      return { claims: await verifyJwt(jwt, { alg, key }, types), by };
    } catch (error) {
      if (!(error instanceof JwtError) || error.problem !== 'signature') throw error;
    }
  }
  return null;
}

/**
 * True for a public key that is among those of a client; those behind a `jwks_uri` are read again
 * for one that is not, at most once a minute.
 * @throws OutboundError when the `jwks_uri` cannot be read
 */
export async function isKeyOf(
  ctx: Pick<Context, 'outbound'>,
  owner: KeyOwner,
  key: KeyObject,
): Promise<boolean> {
  const isIn = (set: readonly SetKey[]): true | null =>
    set.some((one) => isForSignatures(one) && importKey(one)?.equals(key) === true) || null;
  return (await findInKeys(ctx, owner, isIn)) ?? false;
}

/**
 * The first key of a client to which something can be encrypted; null without one.
 * @throws OutboundError when the `jwks_uri` cannot be read
 */
export async function encryptionKey(
  ctx: Pick<Context, 'outbound'>,
  owner: KeyOwner,
  alg: string,
): Promise<{ readonly key: KeyObject; readonly kid: string | undefined } | null> {
  return await findInKeys(ctx, owner, (set) => {
    for (const one of keysForEncryption(set, alg)) {
      const key = importKey(one);
      const { kid } = one;
      if (key !== null) return { key, kid: typeof kid === 'string' ? kid : undefined };
    }
    return null;
  });
}

/** The keys of a set that may have made a signature; a few, where it names no key id. */
export function usableKeys(set: readonly SetKey[], { alg, kid }: SignedWith): readonly KeyObject[] {
  return fittingKeys(set, alg, kid)
    .slice(0, MOST_TRIED)
    .flatMap((key) => importKey(key) ?? []);
}

function importKey(key: SetKey): KeyObject | null {
  const known = imported.get(key);
  if (known !== undefined) return known;
  const made = importPublicKey(key);
  imported.set(key, made);
  return made;
}
