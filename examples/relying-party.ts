/**
 * A small application that signs people in at a provider, with openid-client. Run it: `CLIENT_ID=…
 * CLIENT_SECRET=… npx tsx examples/relying-party.ts`, and open http://127.0.0.1:8400.
 */
import { createServer } from 'node:http';
import * as client from 'openid-client';

const {
  ISSUER = 'http://localhost:4000',
  CLIENT_ID = '',
  CLIENT_SECRET,
  PORT = '8400',
} = process.env;
const origin = `http://127.0.0.1:${PORT}`;
// openid-client refuses http, which only a provider on the same computer may use.
const execute = ISSUER.startsWith('http:') ? [client.allowInsecureRequests] : [];
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, undefined, {
  execute,
});

/** The address to send the browser to, and the cookie by which we know the browser again. */
async function begin(): Promise<{ readonly location: string; readonly cookie: string }> {
  const state = client.randomState();
  const verifier = client.randomPKCECodeVerifier();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: `${origin}/callback`,
    scope: 'openid profile email',
    state,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  const cookie = `login=${state}.${verifier}; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600`;
  return { location: url.href, cookie };
}

/** Exchanges the code in the address for tokens. Resolves to who signed in. */
async function finish(url: URL, cookies: string): Promise<client.IDToken | undefined> {
  const [, expectedState = '', pkceCodeVerifier = ''] =
    /(?:^|; )login=([\w-]+)\.([\w-]+)/.exec(cookies) ?? [];
  const checks = { expectedState, pkceCodeVerifier, idTokenExpected: true };
  return (await client.authorizationCodeGrant(config, url, checks)).claims();
}

createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', origin);
  response.setHeader('content-type', 'text/html; charset=utf-8');
  if (url.pathname === '/login') {
    const { location, cookie } = await begin();
    response.writeHead(302, { location, 'set-cookie': cookie }).end();
  } else if (url.pathname === '/callback') {
    try {
      const person = await finish(url, request.headers.cookie ?? '');
      // A real application starts its own session here. Plain text, because a name may be HTML.
      response.setHeader('content-type', 'text/plain; charset=utf-8');
      response.end(`Signed in: ${person?.['name'] ?? person?.sub}`);
    } catch (error) {
      console.error(error);
      response.writeHead(400).end('The sign-in failed. <a href="/login">Try again</a>');
    }
  } else response.end('<a href="/login">Sign in</a>');
}).listen(Number(PORT), '127.0.0.1', () => console.log(`open ${origin}`));
