/**
 * An API that takes access tokens, in the process of its provider. Run it: `npx tsx
 * examples/protected-api.ts`; it prints a curl line that works.
 */
import express from 'express';
import { createProvider, memoryDatabase, metadataOfKind, resourceIndicators } from 'valetkey';
import { expressValetkey } from 'valetkey/express';
import { builtInPages } from 'valetkey/pages';
import { createResource, providerTokens, readWrite } from 'valetkey/resource';
import { authOf, expressProtect, findAuth } from 'valetkey/resource/express';
import { memoryAccounts } from 'valetkey/testing';

const port = Number(process.env['PORT'] ?? 4000);
const issuer = `http://localhost:${port}`;
const resource = `${issuer}/api`;
const scopes = { 'photos.read': 'See your photos', 'photos.write': 'Change your photos' };
const provider = createProvider({
  issuer,
  store: memoryDatabase(),
  accounts: memoryAccounts([{ sub: 'alice', username: 'alice', password: 'wonderland' }]),
  pages: builtInPages(),
  scopes,
  features: [resourceIndicators({ enabled: true, resources: [resource] })],
});

const api = createResource({
  resource,
  tokens: providerTokens(provider),
  scopes: Object.keys(scopes),
  onRefused: ({ reason, method, path }) => console.log(`refused: ${method} ${path} ${reason}`),
});
const protect = expressProtect(api);

const app = express();
app.use(expressValetkey(provider));
app.use(protect.metadata);
app.get('/api/photos', protect({ scope: 'photos.read' }), (request, response) => {
  response.json({ photos: ['lake.jpg'], client: authOf(request).clientId });
});

const albums = readWrite({ read: 'photos.read', write: 'photos.write' });
app.all('/api/albums', protect(albums), (request, response) => {
  response.json({ done: request.method });
});

// Your session middleware knows who is signed in; here it is a header.
const signedIn = (request: express.Request): string | null => request.get('x-user') ?? null;
app.get('/api/me', protect({ scope: 'photos.read' }, { signedIn }), (request, response) => {
  response.json({ me: findAuth(request)?.sub ?? signedIn(request) });
});

const { client, clientSecret } = await provider.clients.create({
  name: 'Photo Printer',
  redirectUris: ['http://127.0.0.1:8400/callback'],
  grantTypes: ['authorization_code', 'client_credentials'],
});
const introspecting = await provider.clients.create(
  metadataOfKind('resource-server', { name: 'Another API' }),
);
app.listen(port, 'localhost', (error) => {
  if (error) throw error;
  console.log(`document ${api.metadataUrl}
api_id ${introspecting.client.clientId}
api_secret ${introspecting.clientSecret}
client_id ${client.clientId}
client_secret ${clientSecret}
curl ${provider.url('token')} -u "${client.clientId}:${clientSecret}" -d grant_type=client_credentials -d scope=photos.read --data-urlencode resource=${resource}`);
});
