/** The configuration of the standalone server where it differs from that of the library. */
import { describe, expect, it } from 'vitest';
import { type ConfigParts, providerConfig } from '../../src/server/provider-config.ts';

const PARTS = {} as ConfigParts;

describe('the configuration of the server', () => {
  it('limits the token requests of a client, far above what one needs', () => {
    expect(providerConfig({}, PARTS).rateLimits).toEqual({
      tokenRequests: { limit: 12_000, seconds: 60 },
    });
  });
  it('takes what the operator says of limits', () => {
    const settings = {
      'rateLimits.tokenRequests': { limit: 1, seconds: 2 },
      'rateLimits.login': { limit: 3, seconds: 4 },
    };
    expect(providerConfig(settings, PARTS).rateLimits).toEqual({
      tokenRequests: { limit: 1, seconds: 2 },
      login: { limit: 3, seconds: 4 },
    });
  });
});
