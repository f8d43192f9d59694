/** Checks of private keys that a configuration gives (`signingKeys`). */
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { KEY_KINDS } from './crypto/keyring.ts';
import { isObject, type Refuse } from './engine/contracts/options.ts';
import { KEY_ENCRYPTION_ALGS, type KeyAlg, SIGNING_ALGS } from './protocol/names.ts';

/** Tells everything that is wrong with a list of keys. */
export function checkKeys(value: unknown, option: string, refuse: Refuse): void {
  if (!Array.isArray(value)) {
    refuse(option, 'must be a list.', 'Write a list.');
    return;
  }
  for (const [index, key] of value.entries()) checkKey(key, `${option}[${index}]`, refuse);
  const publics = value.map(publicOf);
  const twice = publics.findIndex((one, at) => one !== null && publics.indexOf(one) !== at);
  // Two published keys with one kid could not be told apart.
  if (twice >= 0)
    refuse(`${option}[${twice}]`, 'is the key of another entry.', 'Make a key for each algorithm.');
  const signs = (key: unknown): boolean =>
    isObject(key) &&
    key['active'] === true &&
    !(KEY_ENCRYPTION_ALGS as readonly unknown[]).includes(key['alg']);
  if (!value.some(signs))
    refuse(option, 'must have an active key.', 'One key signs: { pem, alg, active: true }.');
}

/** The public key as text; null where none can be read, which is told elsewhere. */
function publicOf(value: unknown): string | null {
  const { pem, publicKey } = isObject(value) ? value : {};
  try {
    const given = isObject(publicKey)
      ? ({ key: publicKey as JsonWebKey, format: 'jwk' } as const)
      : String(publicKey ?? pem);
    return createPublicKey(given).export({ type: 'spki', format: 'der' }).toString('base64');
  } catch {
    return null;
  }
}

function checkKey(value: unknown, option: string, refuse: Refuse): void {
  const { pem, alg, active, sign, publicKey } = isObject(value) ? value : {};
  if (typeof alg !== 'string' || !Object.hasOwn(KEY_KINDS, alg)) {
    const algs = [...SIGNING_ALGS, ...KEY_ENCRYPTION_ALGS].join(', ');
    refuse(option, 'must have an alg that signs or decrypts.', `Choose among ${algs}.`);
    return;
  }
  if (typeof active !== 'boolean') {
    const remedy = 'Write active: true, or false for an old key.';
    refuse(option, 'must say whether it is active.', remedy);
  }
  const told = (problem: string, remedy: string): void => refuse(option, problem, remedy);
  const needed = KEY_KINDS[alg as KeyAlg];
  if (sign === undefined) checkKind(() => createPrivateKey(String(pem)), needed, alg, told);
  else checkSigner(sign, publicKey, alg, told);
}

function checkSigner(sign: unknown, publicKey: unknown, alg: string, refuse: Told): void {
  if (typeof sign !== 'function') refuse('has a sign that is no function.', 'Write a function.');
  if (!(SIGNING_ALGS as readonly string[]).includes(alg))
    refuse('is a signer for an algorithm that encrypts.', `Choose ${SIGNING_ALGS.join(', ')}.`);
  const read = (): KeyObject =>
    createPublicKey(
      isObject(publicKey) ? { key: publicKey as JsonWebKey, format: 'jwk' } : String(publicKey),
    );
  checkKind(read, KEY_KINDS[alg as KeyAlg], alg, refuse);
}

type Told = (problem: string, remedy: string) => void;

function checkKind(read: () => KeyObject, needed: string, alg: string, refuse: Told): void {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = read();
    const { namedCurve, modulusLength = 2048 } = asymmetricKeyDetails ?? {};
    const kind =
      namedCurve === undefined ? asymmetricKeyType : `${asymmetricKeyType} ${namedCurve}`;
    if (kind !== needed)
      refuse(`is a key of the kind ${kind}, which is no key for ${alg}.`, `It needs ${needed}.`);
    // RFC 7518 §3.3: RSA keys have at least 2048 bits.
    else if (modulusLength < 2048) refuse('is an RSA key below 2048 bits.', 'Make a longer one.');
  } catch {
    refuse(
      'is not a private key in PEM, nor a signer with its public key.',
      'It begins with -----BEGIN … PRIVATE KEY-----.',
    );
  }
}
