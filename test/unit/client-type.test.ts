/** Public and confidential clients, by their authentication methods. */
import { describe, expect, it } from 'vitest';
import type { ClientMetadata } from '../../src/protocol/client-metadata.ts';
import { clientTypeProblems, isPublic } from '../../src/protocol/client-metadata-rules.ts';

describe('public or confidential', () => {
  it.each<[ClientMetadata['clientType'], string | undefined, problems: number]>([
    ['public', 'client_secret_basic', 1],
    ['public', 'private_key_jwt', 1],
    ['public', '', 1],
    ['confidential', 'none', 1],
    ['public', 'none', 0],
    ['confidential', 'client_secret_basic', 0],
    ['confidential', 'anything', 0],
    ['public', undefined, 0],
    ['confidential', undefined, 0],
    [undefined, 'none', 0],
    [undefined, 'client_secret_basic', 0],
    [undefined, undefined, 0],
  ])('[RFC7591 §2] %s with the method %s: %i problems', (clientType, method, count) => {
    const metadata = { name: 'x', clientType, tokenEndpointAuthMethod: method } as ClientMetadata;
    const fields = clientTypeProblems(metadata).map(({ field }) => field);
    expect(fields).toEqual(Array(count).fill('tokenEndpointAuthMethod'));
  });

  it.each([
    ['none', true],
    ['client_secret_basic', false],
    ['None', false],
    ['', false],
    ['private_key_jwt', false],
  ])('[RFC6749 §2.1] a client with the method %s is public: %s', (method, expected) => {
    expect(isPublic({ tokenEndpointAuthMethod: method })).toBe(expected);
  });
});
