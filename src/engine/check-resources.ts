/** What an API may be registered as, in the configuration and by operators. */
import { CONTENT_ENCRYPTION_ALGS } from '../crypto/jwe.ts';
import { isResourceUri } from '../domain/resources.ts';
import { KEY_ENCRYPTION_ALGS, SIGNING_ALGS } from '../protocol/names.ts';
import { inOneSpelling } from '../protocol/resource-identifier.ts';
import { isScopeToken } from '../protocol/scope.ts';
import { checkOptions, isObject, type OptionTable, type Refuse } from './contracts/options.ts';
import { hasKeys, KEY_SET_OPTIONS } from './key-set-options.ts';

const MEMBERS: OptionTable = {
  resource: { kind: 'text', description: 'its identifier' },
  scopes: {
    kind: 'list',
    description: 'scopes that its tokens may have',
    check(value, option, refuse) {
      for (const scope of value as readonly string[])
        if (!isScopeToken(scope))
          refuse(option, `holds ${JSON.stringify(scope)}.`, 'Write scopes without spaces.');
    },
  },
  tokenFormat: { kind: 'text', description: 'format', choices: ['opaque', 'jwt'] },
  tokenLifetime: { kind: 'seconds', description: 'seconds' },
  tokenSigningAlg: { kind: 'text', description: 'algorithm', choices: SIGNING_ALGS },
  tokenEncryption: {
    alg: { kind: 'text', description: 'key encryption', choices: KEY_ENCRYPTION_ALGS },
    enc: { kind: 'text', description: 'content encryption', choices: CONTENT_ENCRYPTION_ALGS },
    ...KEY_SET_OPTIONS,
  },
};

/** Tells every problem of registered APIs. */
export function checkResources(value: unknown, option: string, refuse: Refuse): void {
  const seen = new Set<string>();
  for (const [index, one] of (value as readonly unknown[]).entries()) {
    const path = `${option}[${index}]`;
    if (isObject(one)) checkResource(one, path, refuse);
    const uri = isObject(one) ? one['resource'] : one;
    if (typeof uri !== 'string' || !isResourceUri(uri)) {
      const remedy = 'Write it like https://api.example.com/v1.';
      refuse(path, 'must be an absolute URI without a fragment.', remedy);
      continue;
    }
    if (seen.has(inOneSpelling(uri))) refuse(path, `names ${uri} again.`, 'Take one of them out.');
    seen.add(inOneSpelling(uri));
  }
}

/** Tells every problem of one API that is an object. */
export function checkResource(
  one: Readonly<Record<string, unknown>>,
  path: string,
  refuse: Refuse,
): void {
  checkOptions(MEMBERS, one, `${path}.`, refuse);
  const encryption = one['tokenEncryption'];
  if (!isObject(encryption)) return;
  if (encryption['alg'] === undefined || !hasKeys(encryption))
    refuse(`${path}.tokenEncryption`, 'needs alg, and jwks or jwksUri.', 'Add what is missing.');
  if (one['tokenFormat'] !== 'jwt')
    refuse(`${path}.tokenEncryption`, 'is for JWTs.', "Add tokenFormat: 'jwt'.");
}
