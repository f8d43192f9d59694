/**
 * A command-line application that signs its person in through the browser, and stays signed in.
 * Run it beside `npm start`: `CLIENT_ID=… npx tsx examples/command-line.ts`, or `… sign-in
 * --device` where there is no browser. `sign-out` ends its access.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as client from 'openid-client';

const {
  ISSUER = 'http://localhost:4000',
  CLIENT_ID = '',
  TOKEN_FILE = join(homedir(), '.photo-printer'),
} = process.env;
const SCOPE = 'openid profile';

type Tokens = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;

// It has no secret: everybody who has the program would have it. PKCE takes its place.
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, client.None(), {
  execute: ISSUER.startsWith('http:') ? [client.allowInsecureRequests] : [],
});

/** Sends the person to their browser, and waits for it to come back to this computer. */
async function signIn(): Promise<Tokens> {
  const state = client.randomState();
  const verifier = client.randomPKCECodeVerifier();
  const { port, answered } = await listen();
  const redirectUri = `http://127.0.0.1:${port}/callback`;
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: SCOPE,
    state,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  console.log(`Open this address in your browser:\n${url}`);
  const checks = { expectedState: state, pkceCodeVerifier: verifier, idTokenExpected: true };
  return await client.authorizationCodeGrant(config, new URL(await answered, redirectUri), checks);
}

/** A server on a free port of this computer, for one answer. */
async function listen(): Promise<{ readonly port: number; readonly answered: Promise<string> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const answered = new Promise<string>((resolve) => {
    server.on('request', (request, response) => {
      const isAnswer = request.url?.startsWith('/callback?') ?? false;
      response.writeHead(isAnswer ? 200 : 404, {
        'content-type': 'text/plain',
        connection: 'close',
      });
      response.end(isAnswer ? 'You can close this window.' : 'There is nothing here.');
      if (!isAnswer) return;
      server.close();
      resolve(request.url ?? '');
    });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('There is no port.');
  return { port: address.port, answered };
}

/** Without a browser here: the person confirms on another device (RFC 8628). */
async function signInByDevice(): Promise<Tokens> {
  const begun = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
  console.log(`Open ${begun.verification_uri} on any device, and enter ${begun.user_code}`);
  return await client.pollDeviceAuthorizationGrant(config, begun);
}

function keep({ refresh_token: token }: Tokens): void {
  // For this user alone. Better is the keychain of the system.
  if (token !== undefined) writeFileSync(TOKEN_FILE, token, { mode: 0o600 });
}

function kept(): string | null {
  try {
    return readFileSync(TOKEN_FILE, 'utf8');
  } catch {
    return null;
  }
}

/** New tokens for those of an earlier run; null where the person has to sign in again. */
async function renewed(): Promise<Tokens | null> {
  const token = kept();
  if (token === null) return null;
  try {
    return await client.refreshTokenGrant(config, token);
  } catch (error) {
    const isOver = error instanceof client.ResponseBodyError && error.error === 'invalid_grant';
    if (!isOver) throw error;
    return null;
  }
}

const [command, option] = process.argv.slice(2);
if (command === 'sign-out') {
  const token = kept();
  if (token !== null) await client.tokenRevocation(config, token);
  rmSync(TOKEN_FILE, { force: true });
  console.log('Signed out.');
} else {
  const tokens =
    (await renewed()) ?? (option === '--device' ? await signInByDevice() : await signIn());
  keep(tokens);
  const person = tokens.claims();
  console.log(`Signed in: ${person?.['name'] ?? person?.sub}`);
}
