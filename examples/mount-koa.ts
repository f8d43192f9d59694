/** A provider inside a Koa application. Run it: `npx tsx examples/mount-koa.ts` */
import Koa from 'koa';
import { nodeListener } from 'valetkey/node';
import { announce, makeProvider, port } from './mount-provider.ts';

const provider = makeProvider();
const listener = nodeListener(provider);

const app = new Koa();
// Mount it before body parsers, because the provider reads the body itself.
app.use(async (context, next) => {
  if (!provider.handles(context.path)) return await next();
  // The provider writes the response, so Koa must not.
  context.respond = false;
  await listener(context.req, context.res);
});
app.use((context) => {
  context.body = 'The application itself';
});

app.listen(port, 'localhost', async () => await announce(provider));
