/** Options that say where public keys of somebody are: given, or behind an address. */
import { keySetProblem } from '../protocol/key-sets.ts';
import { checkDocumentUrl, type Option } from './contracts/options.ts';

/** The two members. What has keys asks for one of them. */
export const KEY_SET_OPTIONS: Readonly<Record<'jwks' | 'jwksUri', Option>> = {
  jwks: {
    kind: 'map',
    description: 'public keys, a JWK Set',
    check(value, option, refuse) {
      const problem = keySetProblem(value);
      if (problem !== null) refuse(option, `${problem}.`, 'Write a JWK Set of public keys.');
    },
  },
  jwksUri: { kind: 'text', description: 'address of public keys', check: checkDocumentUrl },
};

/** True where exactly one of the two says where the keys are. */
export function hasKeys({ jwks, jwksUri }: Readonly<Record<string, unknown>>): boolean {
  return (jwks === undefined) !== (jwksUri === undefined);
}
