/**
 * The provider that the `mount-….ts` programs mount, each in another framework. What is the same
 * for all of them is here; docs/guides/mounting.md shows what differs.
 */
import { createProvider, memoryDatabase, type Provider } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';

export const port: number = Number(process.env['PORT'] ?? 4000);
const origin = `http://localhost:${port}`;

/** Where the provider lives: by default at the root of its host, with its endpoints under `/o/`. */
interface Place {
  readonly issuer?: string;
  readonly basePath?: string;
  readonly trailingSlash?: boolean;
}

export function makeProvider(place: Place = {}): Provider {
  return createProvider({
    issuer: origin,
    ...place,
    store: memoryDatabase(),
    accounts: memoryAccounts([
      { sub: 'alice', username: 'alice', password: 'wonderland', claims: { name: 'Alice' } },
    ]),
    pages: builtInPages(),
    scopes: { read: 'Read your data' },
  });
}

/** Registers an application and prints what it needs. */
export async function announce(provider: Provider): Promise<void> {
  const { client, clientSecret } = await provider.clients.create({
    name: 'My application',
    redirectUris: ['http://127.0.0.1:8400/callback'],
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
  });
  console.log(`issuer ${provider.issuer}`);
  console.log(`client_id ${client.clientId}\nclient_secret ${clientSecret}`);
}
