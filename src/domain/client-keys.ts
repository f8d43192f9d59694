/**
 * Public keys of clients: registered with them, or behind their `jwks_uri`. A key verifies only
 * what names an algorithm that fits it, and only for the client that registered it.
 */
import { importPublicKey, type KeyObject } from '../crypto/public-keys.ts';
import { fittingKeys, isForSignatures, keysIn, type SetKey } from '../protocol/key-sets.ts';
import type { Client } from '../store/records.ts';
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

/**
 * The keys of a client that may have made a signature. When none of a `jwks_uri` does, it is read
 * again, at most once a minute.
 * @throws OutboundError when the `jwks_uri` cannot be read
 */
export async function clientKeys(
  { outbound }: Context,
  { jwks, jwksUri }: Pick<Client, 'jwks' | 'jwksUri'>,
  signedWith: SignedWith,
): Promise<readonly KeyObject[]> {
  const usable = (set: unknown): readonly KeyObject[] => usableKeys(set, signedWith);
  if (jwks !== null) return usable(jwks);
  if (jwksUri === null) return [];
  const first = await outbound.json(jwksUri);
  if (keysIn(first.value) === null) throw new OutboundError('json', 'the document is no JWK Set');
  const known = usable(first.value);
  if (known.length > 0 || first.isNew) return known;
  return usable((await outbound.again(jwksUri)).value);
}

/**
 * The keys behind a `jwks_uri` as they are now, when those in memory do not verify a signature: its
 * key may be new and have no id, or the id of another. Empty when nothing newer is to be had: it is
 * read at most once a minute.
 * @throws OutboundError when the `jwks_uri` cannot be read
 */
export async function renewedKeys(
  { outbound }: Context,
  { jwks, jwksUri }: Pick<Client, 'jwks' | 'jwksUri'>,
  signedWith: SignedWith,
): Promise<readonly KeyObject[]> {
  if (jwks !== null || jwksUri === null) return [];
  const { value, isNew } = await outbound.again(jwksUri);
  return isNew ? usableKeys(value, signedWith) : [];
}

/**
 * True for a public key that is among those of a client; those behind a `jwks_uri` are read again
 * for one that is not, at most once a minute.
 * @throws OutboundError when the `jwks_uri` cannot be read
 */
export async function isKeyOf(
  { outbound }: Context,
  { jwks, jwksUri }: Pick<Client, 'jwks' | 'jwksUri'>,
  key: KeyObject,
): Promise<boolean> {
  const isIn = (set: unknown): boolean =>
    (keysIn(set) ?? []).some((one) => isForSignatures(one) && importKey(one)?.equals(key) === true);
  if (jwks !== null) return isIn(jwks);
  if (jwksUri === null) return false;
  const first = await outbound.json(jwksUri);
  if (isIn(first.value) || first.isNew) return isIn(first.value);
  return isIn((await outbound.again(jwksUri)).value);
}

function usableKeys(set: unknown, { alg, kid }: SignedWith): readonly KeyObject[] {
  return fittingKeys(keysIn(set) ?? [], alg, kid)
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
