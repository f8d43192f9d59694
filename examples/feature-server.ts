/**
 * A provider with a feature of its own, the one of `feature.ts`. Run it: `npx tsx
 * examples/feature-server.ts`
 */
import { createServer } from 'node:http';
import { createProvider, memoryDatabase } from 'valetkey';
import { nodeListener } from 'valetkey/node';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { houseRules, invitations } from './feature.ts';

const port = Number(process.env['PORT'] ?? 4000);
const provider = createProvider({
  issuer: `http://localhost:${port}`,
  store: memoryDatabase(),
  accounts: memoryAccounts([{ sub: 'alice', username: 'alice', password: 'wonderland' }]),
  pages: builtInPages({ templates: { houseRules } }),
  scopes: { read: 'Read your data' },
  features: [invitations({ lifetime: 60 })],
});

const { client, clientSecret } = await provider.clients.create({
  name: 'My application',
  redirectUris: ['http://127.0.0.1:8400/callback'],
  grantTypes: ['authorization_code', 'client_credentials', 'urn:example:invitation'],
  fields: { may_invite: true },
});
createServer(nodeListener(provider)).listen(port, 'localhost', () => {
  console.log(
    `${provider.issuer}/.well-known/openid-configuration\nclient_id ${client.clientId}\nclient_secret ${clientSecret}`,
  );
});
