/** `providerTokens()`: tokens of a provider in the same process. Each request asks it anew. */
import { type Provider, StoreUnavailable } from 'valetkey';
import { SourceUnavailable, type TokenSource, tokenFacts } from './token-facts.ts';

/**
 * Looks tokens up at a provider in the same process: what is revoked there ends here at once.
 * @param provider as `createProvider` made it
 */
export function providerTokens({
  issuer,
  tokens,
}: {
  readonly issuer: string;
  readonly tokens: Pick<Provider['tokens'], 'introspect'>;
}): TokenSource {
  return {
    issuer,
    async find(token) {
      try {
        const found = await tokens.introspect(token);
        return found === null ? null : tokenFacts(found);
      } catch (cause) {
        if (!(cause instanceof StoreUnavailable)) throw cause;
        throw new SourceUnavailable('the store of the provider does not answer', cause);
      }
    },
  };
}
