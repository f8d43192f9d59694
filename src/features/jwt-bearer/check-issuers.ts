/** The checks of the options: which issuers may be trusted. */
import {
  checkOptions,
  isObject,
  type OptionTable,
  type Refuse,
} from '../../engine/contracts/options.ts';
import { hasKeys, KEY_SET_OPTIONS } from '../../engine/key-set-options.ts';
import { CLIENT_KEY_ALGS } from '../../protocol/key-sets.ts';

const MEMBERS: OptionTable = {
  issuer: { kind: 'text', description: 'its iss' },
  ...KEY_SET_OPTIONS,
  algs: { kind: 'list', description: 'its algorithms', choices: CLIENT_KEY_ALGS },
  scopes: { kind: 'list', description: 'scopes' },
};

/** Tells every problem of trusted issuers. */
export function checkIssuers(value: unknown, option: string, refuse: Refuse): void {
  if (!Array.isArray(value)) {
    refuse(option, 'must be a list.', 'Write a list.');
    return;
  }
  const seen = new Set<unknown>();
  for (const [index, one] of value.entries()) {
    const path = `${option}[${index}]`;
    if (!isObject(one)) {
      refuse(path, 'must be an object.', 'Write { issuer, jwksUri }.');
      continue;
    }
    checkOptions(MEMBERS, one, `${path}.`, refuse);
    const { issuer } = one;
    if (issuer === undefined) refuse(`${path}.issuer`, 'is missing.', 'Write its iss.');
    if (!hasKeys(one))
      refuse(path, 'must have jwks or jwksUri.', 'Give its keys, or where they are.');
    if (seen.has(issuer)) refuse(path, 'names an issuer again.', 'Take one of them out.');
    seen.add(issuer);
  }
}
