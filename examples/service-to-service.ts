/**
 * One service calls another: it proves itself by a key of its own, gets a JWT for the API that it
 * calls, and the API verifies that by itself. Run it: `npx tsx examples/service-to-service.ts`
 */
import { createServer } from 'node:http';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { exportJWK, generateKeyPair } from 'jose';
import * as openid from 'openid-client';
import { createProvider, memoryDatabase, resourceIndicators } from 'valetkey';
import { nodeListener } from 'valetkey/node';
import { builtInPages } from 'valetkey/pages';
import { createResource, jwtTokens } from 'valetkey/resource';
import { type HonoAuth, honoProtect } from 'valetkey/resource/hono';
import { memoryAccounts } from 'valetkey/testing';

const port = Number(process.env['PORT'] ?? 4000);
const issuer = `http://localhost:${port}`;
const orders = `http://localhost:${port + 1}/orders`;

// The provider knows the API, and the service by its public key alone.
const { publicKey, privateKey } = await generateKeyPair('ES256');
const provider = createProvider({
  issuer,
  store: memoryDatabase(),
  accounts: memoryAccounts([]),
  pages: builtInPages(),
  scopes: { 'orders.read': 'Read orders' },
  features: [
    resourceIndicators({
      enabled: true,
      resources: [{ resource: orders, scopes: ['orders.read'], tokenFormat: 'jwt' }],
    }),
  ],
});
const { client: billing } = await provider.clients.create({
  name: 'Billing',
  grantTypes: ['client_credentials'],
  tokenEndpointAuthMethod: 'private_key_jwt',
  jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'billing-1' }] },
});

// The API needs nothing but the address of the provider.
const api = createResource({ resource: orders, tokens: jwtTokens({ issuer }) });
const protect = honoProtect(api);
const app = new Hono<HonoAuth>();
app.use(protect.metadata);
app.get('/orders', protect({ scope: 'orders.read' }), (c) =>
  c.json({ orders: [17, 42], for: c.get('auth').clientId }),
);

createServer(nodeListener(provider)).listen(port, 'localhost', () => {
  serve({ fetch: app.fetch, port: port + 1, hostname: 'localhost' }, () => void callOrders());
});

/** What the service does: it discovers, proves itself, and calls. */
async function callOrders(): Promise<void> {
  const config = await openid.discovery(
    new URL(issuer),
    billing.clientId,
    undefined,
    openid.PrivateKeyJwt({ key: privateKey, kid: 'billing-1' }),
    { execute: [openid.allowInsecureRequests] },
  );
  const wanted = { scope: 'orders.read', resource: orders };
  const { access_token: token } = await openid.clientCredentialsGrant(config, wanted);
  const answer = await fetch(orders, { headers: { authorization: `Bearer ${token}` } });
  console.log(`orders ${answer.status} ${await answer.text()}`);
}
