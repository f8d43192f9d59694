/**
 * A command-line application that signs its person in through the browser, and stays signed in.
 * Run it beside `npm start`: `CLIENT_ID=… npx tsx examples/command-line.ts`, or `… sign-in
 * --device` where there is no browser. `sign-out` ends its access.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

if (CLIENT_ID === '') throw new Error('Set CLIENT_ID to the client_id of the application.');
const issuer = new URL(ISSUER);
const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(issuer.hostname);
// It has no secret: everybody who has the program would have it. PKCE takes its place.
const config = await client.discovery(issuer, CLIENT_ID, undefined, client.None(), {
  // Without TLS only on this computer, for trying it.
  execute: isLocal ? [client.allowInsecureRequests] : [],
});

/** Sends the person to their browser, and waits for it to come back to this computer. */
async function signIn(): Promise<Tokens> {
  const state = client.randomState();
  const verifier = client.randomPKCECodeVerifier();
  const { port, answered } = await listen(state);
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

/** A server on a free port of this computer, for the one answer that has our state. */
async function listen(
  state: string,
): Promise<{ readonly port: number; readonly answered: Promise<string> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const answered = new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => {
      server.close();
      reject(new Error('Nobody signed in within ten minutes.'));
    }, 600_000);
    server.on('request', ({ method, url = '/' }, response) => {
      const { pathname, searchParams } = new URL(url, 'http://127.0.0.1');
      response.setHeader('content-type', 'text/plain');
      response.setHeader('connection', 'close');
      // Another program of this computer, or a page, may call as well.
      if (method !== 'GET' || pathname !== '/callback' || searchParams.get('state') !== state) {
        response.writeHead(400).end('This is not the answer that is waited for.');
        return;
      }
      const isGood = searchParams.has('code');
      response.end(isGood ? 'You can close this window.' : 'The sign-in did not succeed.');
      clearTimeout(late);
      server.close();
      resolve(url);
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

/** Keeps the refresh token for the next start. The keychain of the system is a better place. */
function keep({ refresh_token: token }: Tokens): void {
  if (token === undefined) return;
  const kept = JSON.stringify({ issuer: ISSUER, clientId: CLIENT_ID, token });
  // A new file that only this user can read, in one step: a crash leaves the old or the new one.
  const file = `${TOKEN_FILE}.${process.pid}`;
  writeFileSync(file, kept, { mode: 0o600, flag: 'wx' });
  renameSync(file, TOKEN_FILE);
}

/** The refresh token of an earlier run, if it is one of this provider for this application. */
function kept(): string | null {
  try {
    const { issuer: of, clientId, token } = JSON.parse(readFileSync(TOKEN_FILE, 'utf8'));
    return of === ISSUER && clientId === CLIENT_ID ? token : null;
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

/** Ends the access, and forgets it here also where the provider does not answer. */
async function signOut(): Promise<void> {
  const token = kept();
  try {
    if (token !== null) await client.tokenRevocation(config, token);
  } finally {
    rmSync(TOKEN_FILE, { force: true });
  }
}

const [command, option] = process.argv.slice(2);
if (command === 'sign-out') {
  await signOut();
  console.log('Signed out.');
} else {
  const tokens =
    (await renewed()) ?? (option === '--device' ? await signInByDevice() : await signIn());
  keep(tokens);
  const person = tokens.claims();
  console.log(`Signed in: ${person?.['name'] ?? person?.sub}`);
}
