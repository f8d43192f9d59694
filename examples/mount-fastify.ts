/** A provider inside a Fastify application. Run it: `npx tsx examples/mount-fastify.ts` */
import fastify from 'fastify';
import { nodeListener } from 'valetkey/node';
import { announce, makeProvider, port } from './mount-provider.ts';

const provider = makeProvider();
const listener = nodeListener(provider);

const app = fastify();
// This hook runs before Fastify reads the body, so the provider reads it unchanged.
app.addHook('onRequest', async (request, reply) => {
  const [path = '/'] = (request.raw.url ?? '/').split('?');
  if (!provider.handles(path)) return;
  // The provider writes the response, so Fastify must not.
  reply.hijack();
  await listener(request.raw, reply.raw);
});
app.get('/', async () => 'The application itself');

await app.listen({ port, host: 'localhost' });
await announce(provider);
