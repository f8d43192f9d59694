/**
 * What may be registered of an API: one entry for each field serves the check, the command line and
 * what it prints. The same holds for the configuration and for the registry.
 */
import { CONTENT_ENCRYPTION_ALGS } from '../crypto/jwe.ts';
import {
  isResourceUri,
  type ResourceDefinition,
  type ResourceEncryption,
} from '../domain/resources.ts';
import { KEY_ENCRYPTION_ALGS, SIGNING_ALGS } from '../protocol/names.ts';
import { inOneSpelling } from '../protocol/resource-identifier.ts';
import { isScopeToken } from '../protocol/scope.ts';
import {
  checkOptions,
  isObject,
  type Option,
  type OptionTable,
  type Refuse,
} from './contracts/options.ts';
import { hasKeys, KEY_SET_OPTIONS } from './key-set-options.ts';

/** One field of a registered API. */
export interface ResourceField extends Option {
  /** Option of the command line, without dashes. */
  readonly flag: string;
  /** Its name where it is shown. */
  readonly label: string;
  /** What holds without it, where that is shown. */
  readonly absent?: string;
}

/** The fields by their place in a definition: every member of it, and no other. */
export type ResourceFields = {
  readonly [Member in Exclude<
    keyof ResourceDefinition,
    'resource' | 'tokenEncryption'
  >]-?: ResourceField;
} & {
  readonly tokenEncryption: {
    readonly [Member in keyof ResourceEncryption]-?: ResourceField;
  };
};

/** Every field of a registered API. */
export const RESOURCE_FIELDS: ResourceFields = {
  scopes: {
    kind: 'list',
    flag: 'scope',
    label: 'Scopes',
    absent: 'any',
    description: 'scopes that its tokens may have',
    check(value, option, refuse) {
      for (const scope of value as readonly string[])
        if (!isScopeToken(scope))
          refuse(option, `holds ${JSON.stringify(scope)}.`, 'A scope has no spaces and no quotes.');
    },
  },
  tokenFormat: {
    kind: 'text',
    choices: ['opaque', 'jwt'],
    flag: 'token-format',
    label: 'Token format',
    absent: 'as the application',
    description: 'format of its tokens',
  },
  tokenLifetime: {
    kind: 'seconds',
    flag: 'token-lifetime',
    label: 'Tokens live',
    description: 'seconds that its tokens live at most',
  },
  tokenSigningAlg: {
    kind: 'text',
    choices: SIGNING_ALGS,
    flag: 'token-signing-alg',
    label: 'Signed by',
    description: 'algorithm that signs its JWTs',
  },
  tokenEncryption: {
    alg: {
      kind: 'text',
      choices: KEY_ENCRYPTION_ALGS,
      flag: 'token-encryption-alg',
      label: 'Encrypted by',
      description: 'how the key of an encrypted JWT is encrypted',
    },
    enc: {
      kind: 'text',
      choices: CONTENT_ENCRYPTION_ALGS,
      flag: 'token-encryption-enc',
      label: 'Content encrypted by',
      description: 'how an encrypted JWT is encrypted',
    },
    jwks: { ...KEY_SET_OPTIONS.jwks, flag: 'jwks', label: 'Keys' },
    jwksUri: { ...KEY_SET_OPTIONS.jwksUri, flag: 'jwks-uri', label: 'Keys at' },
  },
};

const MEMBERS: OptionTable = {
  resource: { kind: 'text', description: 'its identifier' },
  ...RESOURCE_FIELDS,
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
  const { tokenFormat, tokenSigningAlg, tokenEncryption: encryption } = one;
  if (tokenFormat === 'opaque' && tokenSigningAlg !== undefined)
    refuse(`${path}.tokenSigningAlg`, 'is for JWTs.', 'Set tokenFormat to jwt, or leave it out.');
  if (!isObject(encryption)) return;
  if (encryption['alg'] === undefined || !hasKeys(encryption))
    refuse(`${path}.tokenEncryption`, 'needs alg, and jwks or jwksUri.', 'Add what is missing.');
  if (tokenFormat !== 'jwt')
    refuse(`${path}.tokenEncryption`, 'is for JWTs.', 'Set tokenFormat to jwt as well.');
}
