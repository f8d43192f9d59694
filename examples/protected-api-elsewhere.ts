/**
 * An API that takes access tokens of a provider elsewhere, which it asks about each token. Run it
 * beside `protected-api.ts`, with the credentials that it prints: `CLIENT_ID=… CLIENT_SECRET=… npx
 * tsx examples/protected-api-elsewhere.ts`
 */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { createResource, introspectedTokens } from 'valetkey/resource';
import { honoProtect } from 'valetkey/resource/hono';

const {
  ISSUER = 'http://localhost:4000',
  RESOURCE = 'http://localhost:4000/api',
  CLIENT_ID = '',
  CLIENT_SECRET = '',
  PORT = '4001',
} = process.env;

const api = createResource({
  resource: RESOURCE,
  tokens: introspectedTokens({
    issuer: ISSUER,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
  }),
});
const protect = honoProtect(api);

const app = new Hono();
app.use(protect.metadata);
app.get('/photos', protect({ scope: 'photos.read' }), (context) =>
  context.json({ photos: ['lake.jpg'], client: context.get('auth').clientId }),
);

serve({ fetch: app.fetch, port: Number(PORT), hostname: 'localhost' }, () => {
  console.log(`listening on ${PORT}`);
});
