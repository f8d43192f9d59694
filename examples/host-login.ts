/**
 * An Express application that signs its people in itself, and is a provider for others: sessions
 * and login page stay its own, the provider follows them. Run it: `npx tsx examples/host-login.ts`
 */
import { randomUUID } from 'node:crypto';
import express, { type Request } from 'express';
import { createProvider, memoryDatabase, OAuthError } from 'valetkey';
import { expressInteractions, expressValetkey } from 'valetkey/express';
import { builtInPages } from 'valetkey/pages';

const port = Number(process.env['PORT'] ?? 4000);
const issuer = `http://localhost:${port}`;

/** The people and sessions of the application; a real one keeps them in its database. */
const PASSWORDS: Readonly<Record<string, string>> = { bob: 'builder', carol: 'singer' };
const sessions = new Map<string, { readonly sub: string; readonly authTime: number }>();
const now = (): number => Math.floor(Date.now() / 1000);
const sessionId = (cookies: string | null | undefined): string =>
  /(?:^|; )app=([\w-]+)/.exec(cookies ?? '')?.[1] ?? '';

const provider = createProvider({
  issuer,
  store: memoryDatabase(),
  accounts: {
    find: async (sub) =>
      sub in PASSWORDS ? { sub, enabled: true, claims: { name: `Mx ${sub}` } } : null,
    // Who is signed in to the application in this browser. `authTime`: when they proved it.
    async current(request) {
      const id = sessionId(request.headers.get('cookie'));
      const session = sessions.get(id);
      return session === undefined ? null : { ...session, sessionId: id, amr: ['pwd'] };
    },
    // A logout at the provider is a logout of the application.
    async signOut({ sessionId: id }) {
      sessions.delete(id);
      return new Headers([['Set-Cookie', 'app=; Path=/; Max-Age=0']]);
    },
  },
  pages: builtInPages({ login: '/login' }),
});

const interactions = expressInteractions(provider);
const app = express().use(expressValetkey(provider)).use(express.urlencoded());

app.get('/login', async (request, response) => {
  const asked = 'interaction' in request.query;
  const details = asked ? await interactions.details(request) : null;
  const signedIn = sessions.has(sessionId(request.headers.cookie));
  // Who is signed in goes on, unless the provider asks for a new proof.
  if (signedIn && details?.reauthenticate === false)
    return interactions.continue(request, response);
  const action = request.originalUrl.replaceAll('&', '&amp;');
  response.send(`<form method="post" action="${action}"><h1>Sign in to the application</h1>
<input id="user" name="user"><input id="word" name="word" type="password">
<button id="in">Sign in</button></form>`);
});

app.post('/login', async (request: Request, response) => {
  const { user = '', word = '' } = request.body as Record<string, string>;
  if (PASSWORDS[user] !== word) return void response.status(403).send('Wrong.');
  const id = randomUUID();
  sessions.set(id, { sub: user, authTime: now() });
  response.cookie('app', id, { httpOnly: true, sameSite: 'lax' });
  // Back to the page above, now with the session.
  response.redirect(303, 'interaction' in request.query ? request.originalUrl : '/');
});

app.post('/logout', async (request, response) => {
  const id = sessionId(request.headers.cookie);
  sessions.delete(id);
  // A logout of the application ends what was issued in its session.
  await provider.sessions.end(id);
  response.clearCookie('app').redirect('/');
});

app.get('/', (request, response) => {
  const { sub = 'nobody' } = sessions.get(sessionId(request.headers.cookie)) ?? {};
  response.send(`<p id="who">${sub}</p><form method="post" action="/logout">
<button id="out">Sign out</button></form><a href="/login">Sign in</a>`);
});

app.use(
  (error: Error, _request: Request, response: express.Response, _next: express.NextFunction) => {
    const reason = error instanceof OAuthError ? error.reason : 'unexpected';
    response.status(400).send(`<p id="problem">${reason}</p>`);
  },
);

const redirectUri = process.env['REDIRECT_URI'] ?? 'http://127.0.0.1:8400/callback';
const { client, clientSecret } = await provider.clients.create({
  name: 'Partner',
  redirectUris: [redirectUri],
  postLogoutRedirectUris: [redirectUri.replace(/[^/]*$/, 'bye')],
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
});
app.listen(port, 'localhost', (error) => {
  // Express calls this as well when the port is taken.
  if (error) throw error;
  console.log(`${issuer}\nclient_id ${client.clientId}\nclient_secret ${clientSecret}`);
});
