/** A provider beside other routes on plain `node:http`. Run it: `npx tsx examples/mount-node.ts` */
import { createServer } from 'node:http';
import { nodeListener } from 'valetkey/node';
import { announce, makeProvider, port } from './mount-provider.ts';

const provider = makeProvider();
const listener = nodeListener(provider);

createServer((request, response) => {
  const [path = '/'] = (request.url ?? '/').split('?');
  if (provider.handles(path)) void listener(request, response);
  else response.end('The application itself');
}).listen(port, 'localhost', async () => await announce(provider));
