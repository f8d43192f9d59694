/**
 * An MCP server whose tools are for people with an access token. Run it beside `VALETKEY_MCP=true
 * npm start`: `CLIENT_ID=… CLIENT_SECRET=… npx tsx examples/mcp-server.ts`, with the credentials of
 * `npx valetkey application create --kind resource-server --name "My MCP server" --resource
 * http://localhost:8500/mcp`.
 */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { hostHeaderValidation } from '@modelcontextprotocol/sdk/server/middleware/hostHeaderValidation.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { createResource, introspectedTokens, type TokenFacts } from 'valetkey/resource';
import { authOf, expressProtect } from 'valetkey/resource/express';

const {
  ISSUER = 'http://localhost:4000',
  CLIENT_ID = '',
  CLIENT_SECRET = '',
  PORT = '8500',
} = process.env;

const api = createResource({
  resource: `http://localhost:${PORT}/mcp`,
  tokens: introspectedTokens({
    issuer: ISSUER,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
  }),
  onRefused: ({ reason, cause }) => console.log(`refused: ${reason}`, cause ?? ''),
});
const protect = expressProtect(api);

/** The tools, for the person of one token. */
function toolsFor({ sub, claims }: TokenFacts): McpServer {
  const server = new McpServer({ name: 'photos', version: '1.0.0' });
  server.registerTool('who', { description: 'Whose photos these are' }, () => ({
    content: [{ type: 'text', text: String(claims['username'] ?? sub) }],
  }));
  return server;
}

const app = express();
// A page of another name that leads to this computer (DNS rebinding) gets no further.
app.use(hostHeaderValidation([new URL(api.resource).hostname]));
app.use(protect.metadata);
app.post('/mcp', protect(), express.json(), async (request, response) => {
  const auth = authOf(request);
  if (auth.isClientOnly) return void response.status(403).end('These tools are for people.');
  const [tools, transport] = [toolsFor(auth), new StreamableHTTPServerTransport({})];
  response.on('close', () => void tools.close());
  await tools.connect(transport);
  await transport.handleRequest(request, response, request.body);
});
// It keeps no sessions, so there is nothing to listen to and nothing to end.
app.all('/mcp', (_request, response) => {
  response.set('Allow', 'POST').sendStatus(405);
});
app.use(((error: { readonly status?: number }, _request, response, _next) => {
  response.status(error.status ?? 500).end('The request failed.');
}) satisfies express.ErrorRequestHandler);

app.listen(Number(PORT), 'localhost', (error) => {
  if (error) throw error;
  console.log(`listening on ${api.resource}, described at ${api.metadataUrl}`);
});
