/** Checks of private keys that a configuration gives (`signingKeys`). */
import { createPrivateKey } from 'node:crypto';
import { KEY_KINDS } from './crypto/keyring.ts';
import { isObject, type Refuse } from './engine/contracts/options.ts';
import { SIGNING_ALGS, type SigningAlg } from './protocol/names.ts';

/** Tells everything that is wrong with a list of keys. */
export function checkKeys(value: unknown, option: string, refuse: Refuse): void {
  if (!Array.isArray(value)) {
    refuse(option, 'must be a list.', 'Write a list.');
    return;
  }
  for (const [index, key] of value.entries()) checkKey(key, `${option}[${index}]`, refuse);
  if (!value.some((key: unknown) => isObject(key) && key['active'] === true))
    refuse(option, 'must have an active key.', 'One key signs: { pem, alg, active: true }.');
}

function checkKey(value: unknown, option: string, refuse: Refuse): void {
  const { pem, alg, active } = isObject(value) ? value : {};
  if (typeof alg !== 'string' || !Object.hasOwn(KEY_KINDS, alg)) {
    refuse(option, 'must have an alg that signs.', `Choose among ${SIGNING_ALGS.join(', ')}.`);
    return;
  }
  if (typeof active !== 'boolean') {
    const remedy = 'Write active: true, or false for an old key.';
    refuse(option, 'must say whether it is active.', remedy);
  }
  checkPem(String(pem), KEY_KINDS[alg as SigningAlg], alg, (problem, remedy) =>
    refuse(option, problem, remedy),
  );
}

function checkPem(
  pem: string,
  needed: string,
  alg: string,
  refuse: (problem: string, remedy: string) => void,
): void {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem);
    const { namedCurve, modulusLength = 2048 } = asymmetricKeyDetails ?? {};
    const kind =
      namedCurve === undefined ? asymmetricKeyType : `${asymmetricKeyType} ${namedCurve}`;
    if (kind !== needed)
      refuse(`is a key of the kind ${kind}, which cannot sign ${alg}.`, `It needs ${needed}.`);
    // RFC 7518 §3.3: RSA keys have at least 2048 bits.
    else if (modulusLength < 2048) refuse('is an RSA key below 2048 bits.', 'Make a longer one.');
  } catch {
    refuse('is not a private key in PEM.', 'It begins with -----BEGIN … PRIVATE KEY-----.');
  }
}
