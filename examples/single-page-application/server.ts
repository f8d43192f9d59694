/**
 * A provider with an API, and a single-page application of another origin that calls it. Run it:
 * `npx tsx examples/single-page-application/server.ts`, and open http://localhost:8600.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { createProvider, memoryDatabase, resourceIndicators } from 'valetkey';
import { expressValetkey } from 'valetkey/express';
import { builtInPages } from 'valetkey/pages';
import { createResource, providerTokens } from 'valetkey/resource';
import { authOf, expressProtect } from 'valetkey/resource/express';
import { memoryAccounts } from 'valetkey/testing';

const { PORT = '4000', APP_PORT = '8600' } = process.env;
const issuer = `http://localhost:${PORT}`;
const resource = `${issuer}/api`;
const application = `http://localhost:${APP_PORT}`;

const provider = createProvider({
  issuer,
  store: memoryDatabase(),
  accounts: memoryAccounts([
    { sub: 'alice', username: 'alice', password: 'wonderland', claims: { name: 'Alice' } },
  ]),
  pages: builtInPages(),
  scopes: { 'photos.read': 'See your photos' },
  features: [resourceIndicators({ enabled: true, resources: [resource] })],
  clients: [
    {
      clientId: 'photo-printer',
      kind: 'spa',
      name: 'Photo Printer',
      redirectUris: [`${application}/callback`],
      postLogoutRedirectUris: [`${application}/`],
    },
  ],
});

const protect = expressProtect(createResource({ resource, tokens: providerTokens(provider) }));
const server = express();
server.use(expressValetkey(provider));
server.use(protect.metadata);
// The application has another origin, and sends a token and no cookies.
server.use('/api', (_request, response, next) => {
  response.set('Access-Control-Allow-Origin', application);
  response.set('Access-Control-Allow-Headers', 'Authorization, DPoP');
  response.set('Access-Control-Expose-Headers', 'WWW-Authenticate');
  next();
});
server.all(
  '/api/photos',
  protect({ scope: 'photos.read' }, { preflight: true }),
  (request, response) => {
    if (request.method === 'OPTIONS') return void response.sendStatus(204);
    const { isClientOnly, sub } = authOf(request);
    if (isClientOnly) response.status(403).end('Photos belong to people.');
    else response.json({ photos: ['lake.jpg', 'forest.jpg'], of: sub });
  },
);

const library = createRequire(import.meta.url).resolve('oidc-client-ts');
const file = (path: string, base: string): string => fileURLToPath(new URL(path, base));
const files = express();
files.use((_request, response, next) => {
  // Whoever brings a script into the page has its tokens.
  response.set(
    'Content-Security-Policy',
    `default-src 'self'; connect-src 'self' ${issuer}; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  response.set('X-Content-Type-Options', 'nosniff');
  next();
});
files.get('/config.json', (_request, response) => {
  response.json({ issuer, resource, clientId: 'photo-printer' });
});
files.get('/oidc-client-ts.js', (_request, response) => {
  response.sendFile(file('../browser/oidc-client-ts.min.js', `file://${library}`));
});
for (const name of ['application.js', 'application.css'])
  files.get(`/${name}`, (_request, response) => {
    response.sendFile(file(name, import.meta.url));
  });
// One page for every address, as such applications have.
files.get(['/', '/callback'], (_request, response) => {
  response.sendFile(file('index.html', import.meta.url));
});

server.listen(Number(PORT), 'localhost', (error) => {
  if (error) throw error;
  files.listen(Number(APP_PORT), 'localhost', (refused) => {
    if (refused) throw refused;
    console.log(`open ${application}, and sign in as alice with the password wonderland`);
  });
});
