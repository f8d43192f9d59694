/**
 * Several issuers in one process and one database: no record, key or session of one reaches
 * another. Each has a path of its own. Run it: `npx tsx examples/several-issuers.ts`
 */
import { createServer } from 'node:http';
import { createProvider, memoryDatabase, type Provider } from 'valetkey';
import { nodeListener } from 'valetkey/node';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';

const port = Number(process.env['PORT'] ?? 4000);
const store = memoryDatabase();

function tenant(name: string, password: string): Provider {
  return createProvider({
    issuer: `http://localhost:${port}/${name}`,
    basePath: `/${name}/o`,
    name,
    store,
    accounts: memoryAccounts([{ sub: 'alice', username: 'alice', password }]),
    pages: builtInPages(),
    scopes: { read: 'Read your data' },
  });
}

const tenants = [tenant('north', 'wonderland'), tenant('south', 'looking-glass')];
for (const provider of tenants) {
  const { client, clientSecret } = await provider.clients.create({
    name: 'My application',
    grantTypes: ['client_credentials'],
  });
  console.log(`${provider.issuer}/.well-known/openid-configuration`);
  console.log(`client_id ${client.clientId}\nclient_secret ${clientSecret}`);
}

const listeners = tenants.map((provider) => ({ provider, listener: nodeListener(provider) }));
createServer((request, response) => {
  const [path = '/'] = (request.url ?? '/').split('?');
  const found = listeners.find(({ provider }) => provider.handles(path));
  if (found === undefined) response.writeHead(404).end('Not found');
  else void found.listener(request, response);
}).listen(port, 'localhost', () => console.log('listening'));
