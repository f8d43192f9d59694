/**
 * What tokens are for: two APIs, details of a payment, an exchange that a policy allows, and
 * assertions of another issuer. Run it: `npx tsx examples/tokens.ts`; it exchanges a token.
 */
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import {
  type AuthorizationDetail,
  authorizationDetailType,
  createProvider,
  jwtBearer,
  memoryDatabase,
  resourceIndicators,
  richAuthorizationRequests,
  tokenExchange,
} from 'valetkey';
import { nodeListener } from 'valetkey/node';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';

const port = Number(process.env['PORT'] ?? 4000);
const issuer = `http://localhost:${port}`;

/** The APIs: their addresses, and what holds for their tokens. */
const apis = resourceIndicators({
  enabled: true,
  resources: [
    'https://stock.example/api',
    {
      resource: 'https://orders.example/api',
      scopes: ['orders.read', 'orders.write'], // other scopes stay out of its tokens
      tokenFormat: 'jwt', // RFC 9068; without it as the application, else opaque
      tokenLifetime: 300,
      tokenSigningAlg: 'ES256',
    },
  ],
});

interface Payment extends AuthorizationDetail {
  readonly type: 'payment';
  readonly amount: number;
  readonly to: string;
}
const payment = authorizationDetailType<Payment>({
  type: 'payment',
  read: ({ amount, to }) =>
    typeof amount === 'number' && typeof to === 'string'
      ? { type: 'payment', amount, to }
      : 'amount must be a number, and to a string',
  describe: ({ amount, to }) => `Pay ${amount} EUR to ${to}`,
  covers: (granted, asked) => granted.to === asked.to && asked.amount <= granted.amount,
});

const exchange = tokenExchange({
  policy: ({ client, subject }) =>
    client.name === 'Orders' && subject.resources.includes('https://orders.example/api')
      ? { allow: true, resources: ['https://stock.example/api'], actsAsClient: true }
      : null,
});

const { publicKey, privateKey } = await generateKeyPair('ES256');
const partners = jwtBearer({
  issuers: [{ issuer: 'https://partner.example', jwks: { keys: [await exportJWK(publicKey)] } }],
  subject: ({ claims }) => (claims['sub'] === 'alice@partner' ? 'alice' : null),
});

const provider = createProvider({
  issuer,
  store: memoryDatabase(),
  accounts: memoryAccounts([{ sub: 'alice', username: 'alice', password: 'wonderland' }]),
  pages: builtInPages(),
  scopes: { 'orders.read': 'Read your orders', 'orders.write': 'Change your orders' },
  features: [apis, exchange, partners, richAuthorizationRequests({ types: [payment] })],
});

const [BEARER, EXCHANGE] = ['jwt-bearer', 'token-exchange'].map(
  (name) => `urn:ietf:params:oauth:grant-type:${name}`,
) as [string, string];
const shop = await provider.clients.create({ name: 'Shop', grantTypes: [BEARER] });
const orders = await provider.clients.create({ name: 'Orders', grantTypes: [EXCHANGE] });

/** A token request of a client. */
async function ask(
  { client, clientSecret }: typeof shop,
  fields: Readonly<Record<string, string>>,
): Promise<Record<string, unknown>> {
  const authorization = `Basic ${btoa(`${client.clientId}:${clientSecret}`)}`;
  const body = new URLSearchParams(fields);
  const response = await fetch(provider.url('token'), {
    method: 'POST',
    headers: { authorization },
    body,
  });
  return (await response.json()) as Record<string, unknown>;
}

createServer(nodeListener(provider)).listen(port, 'localhost', async () => {
  const assertion = await new SignJWT({ sub: 'alice@partner', jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer('https://partner.example')
    .setAudience(issuer)
    .setExpirationTime('1m')
    .sign(privateKey);
  const resource = 'https://orders.example/api';
  const first = await ask(shop, { grant_type: BEARER, assertion, scope: 'orders.read', resource });
  console.log(`a JWT for Orders: ${String(first['access_token']).slice(0, 20)}…`);
  const second = await ask(orders, {
    grant_type: EXCHANGE,
    subject_token: String(first['access_token']),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  });
  const told = await provider.tokens.introspect(String(second['access_token']));
  console.log(
    `exchanged ${JSON.stringify({ sub: told?.sub, aud: told?.['aud'], act: told?.['act'] })}`,
  );
});
