/**
 * Key sets that clients register (RFC 7517 §5): what one may be, and which of its keys fit. Pure;
 * importing keys is `domain/client-keys.ts`.
 */

/** A key of a set, unchecked. */
export type SetKey = Readonly<Record<string, unknown>>;

/** Keys of one set, and characters of it as JSON. */
const [MOST_KEYS, LONGEST] = [50, 65_536];
/** Members that only private and symmetric keys have (RFC 7518 §6). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** Algorithms of assertions, and the keys that each needs (RFC 7518 §3.1, RFC 8037 §3.1). */
const KEY_OF_ALG: Readonly<Record<string, readonly [kty: string, crv?: string]>> = {
  RS256: ['RSA'],
  RS384: ['RSA'],
  RS512: ['RSA'],
  PS256: ['RSA'],
  PS384: ['RSA'],
  PS512: ['RSA'],
  ES256: ['EC', 'P-256'],
  ES384: ['EC', 'P-384'],
  ES512: ['EC', 'P-521'],
  EdDSA: ['OKP', 'Ed25519'],
  Ed25519: ['OKP', 'Ed25519'],
};

/** Algorithms of signatures that a public key of a client verifies. */
export const CLIENT_KEY_ALGS: readonly string[] = Object.keys(KEY_OF_ALG);

/**
 * The public keys of a set; null for anything else. A set with a private or symmetric key is none:
 * who published it has other worries, and it proves nothing any more.
 */
export function keysIn(set: unknown): readonly SetKey[] | null {
  if (typeof set !== 'object' || set === null) return null;
  const { keys } = set as { readonly keys?: unknown };
  if (!Array.isArray(keys) || keys.length > MOST_KEYS) return null;
  const isKey = (one: unknown): one is SetKey =>
    typeof one === 'object' && one !== null && !Array.isArray(one);
  if (!keys.every(isKey)) return null;
  return keys.some(isPrivate) ? null : keys;
}

/** True for a JSON Web Key without members that only private and symmetric keys have. */
export function isPublicKey(key: unknown): key is SetKey {
  return typeof key === 'object' && key !== null && !isPrivate(key as SetKey);
}

function isPrivate(key: SetKey): boolean {
  return PRIVATE.some((member) => member in key);
}

/** What is wrong with a key set that is registered, as a phrase that continues its name. */
export function keySetProblem(set: unknown): string | null {
  const { keys: given } = set as { readonly keys?: unknown };
  // RFC 7591 §2: the client's public keys. A private one would no longer be private.
  if (Array.isArray(given) && given.some((one) => typeof one === 'object' && isPrivate(one ?? {})))
    return 'has a private key: register public keys';
  const keys = keysIn(set);
  if (keys === null || keys.length === 0)
    return `must have keys: a list of 1 to ${MOST_KEYS} JSON Web Keys`;
  if (JSON.stringify(set).length > LONGEST) return `has more than ${LONGEST} characters`;
  return keys.some((key) => typeof key['kty'] !== 'string') ? 'has a key without kty' : null;
}

/**
 * The keys of a set that may have signed with this algorithm and key id. Key ids are compared only:
 * a token chooses no address and no key of its own (RFC 8725 §3.10).
 * @param kid of the header; undefined: any key that fits
 */
export function fittingKeys(
  keys: readonly SetKey[],
  alg: string,
  kid: string | undefined,
): readonly SetKey[] {
  const needed = Object.hasOwn(KEY_OF_ALG, alg) ? KEY_OF_ALG[alg] : undefined;
  if (needed === undefined) return [];
  const [kty, crv] = needed;
  const fitting = keys.filter(
    (key) =>
      key['kty'] === kty &&
      (crv === undefined || key['crv'] === crv) &&
      (kid === undefined || key['kid'] === kid) &&
      (key['alg'] === undefined || key['alg'] === alg) &&
      isForSignatures(key),
  );
  // RFC 7517 §4.5: keys of a set have distinct ids. Which of two was meant nobody knows.
  return kid !== undefined && fitting.length > 1 ? [] : fitting;
}

/** Curves on which keys are agreed (RFC 7518 §4.6.1.1, RFC 8037 §3.2), by type of key. */
const AGREEMENT_CURVES: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['EC', ['P-256', 'P-384', 'P-521']],
  ['OKP', ['X25519']],
]);

/** The keys to which a content key can be encrypted with this algorithm (RFC 7518 §4.1). */
export function keysForEncryption(keys: readonly SetKey[], alg: string): readonly SetKey[] {
  const isRsa = alg.startsWith('RSA-');
  return keys.filter((key) => {
    const curves = AGREEMENT_CURVES.get(key['kty']) ?? [];
    const fits = isRsa ? key['kty'] === 'RSA' : curves.includes(String(key['crv']));
    const isMeant = key['alg'] === undefined || key['alg'] === alg;
    return fits && isMeant && (key['use'] === undefined || key['use'] === 'enc');
  });
}

/** RFC 7517 §4.2, §4.3: what the key is for, where it says so. */
export function isForSignatures(key: SetKey): boolean {
  return (key['use'] === undefined || key['use'] === 'sig') && mayVerify(key['key_ops']);
}

function mayVerify(operations: unknown): boolean {
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
}
