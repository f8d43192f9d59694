/**
 * A provider inside an Express application, beside its own routes. Run it: `npx tsx
 * examples/express.ts`
 */
import express from 'express';
import { createProvider, memoryDatabase } from 'valetkey';
import { expressValetkey } from 'valetkey/express';
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

const app = express();
app.use(expressValetkey(provider));
app.use(express.json());
app.get('/', (_request, response) => {
  response.send('The application itself');
});

const { client, clientSecret } = await provider.clients.create({
  name: 'My application',
  redirectUris: ['http://127.0.0.1:8400/callback'],
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
});
app.listen(port, 'localhost', (error) => {
  // Express calls this as well when the port is taken.
  if (error) throw error;
  console.log(
    `${provider.issuer}/.well-known/openid-configuration\nclient_id ${client.clientId}\nclient_secret ${clientSecret}`,
  );
});
