/**
 * A provider inside a Hono application; for Next.js see `docs/guides/mounting.md`. Run
 * it: `npx tsx examples/hono.ts`
 */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { createProvider, memoryDatabase } from 'valetkey';
import { honoValetkey } from 'valetkey/hono';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';

const port = Number(process.env['PORT'] ?? 4000);
const accounts = memoryAccounts([
  { sub: 'alice', username: 'alice', password: 'wonderland', claims: { name: 'Alice' } },
]);
const provider = createProvider({
  issuer: `http://localhost:${port}`,
  store: memoryDatabase(),
  accounts,
  pages: builtInPages(),
  scopes: { read: 'Read your data' },
});

const app = new Hono();
app.use(honoValetkey(provider));
app.get('/', (context) => context.text('The application itself'));

const { client, clientSecret } = await provider.clients.create({
  name: 'My application',
  redirectUris: ['http://127.0.0.1:8400/callback'],
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
});
serve({ fetch: app.fetch, port }, () => {
  console.log(
    `${provider.issuer}/.well-known/openid-configuration\nclient_id ${client.clientId}\nclient_secret ${clientSecret}`,
  );
});
