/**
 * An Express application with its own login, as it runs for real: a database, a secret from the
 * environment, a log, periodic work, and an orderly end. docs/guides/own-login.md explains it. Run
 * it: `SECRET=$(openssl rand -base64 32) npx tsx examples/own-login.ts`
 */
import { randomUUID } from 'node:crypto';
import express, { type ErrorRequestHandler, type Request, type RequestHandler } from 'express';
import { pino } from 'pino';
import { type Accounts, createProvider, describeError, OAuthError } from 'valetkey';
import { expressInteractions, expressValetkey } from 'valetkey/express';
import { builtInPages } from 'valetkey/pages';
import { sqlDatabase } from 'valetkey/sql';

const { PORT = '4000', DATABASE_URL = 'sqlite:own-login.db', SECRET } = process.env;
const { ISSUER = `http://localhost:${PORT}`, PROXIES = '0' } = process.env;
if (SECRET === undefined) throw new Error('Set SECRET, such as: openssl rand -base64 32');

// The people and sessions of your application. Keep them in your database.
const people = new Map([
  ['bob', { name: 'Bob', password: 'builder' }],
  ['carol', { name: 'Carol', password: 'singer' }],
]);
const sessions = new Map<string, { readonly sub: string; readonly authTime: number }>();
const COOKIE = { httpOnly: true, sameSite: 'lax', secure: ISSUER.startsWith('https:') } as const;
const sessionId = (cookies: string | null | undefined): string =>
  /(?:^|; )app=([\w-]+)/.exec(cookies ?? '')?.[1] ?? '';

const accounts: Accounts = {
  // Called whenever something is issued. A person who is gone or disabled gets nothing.
  async find(sub) {
    const person = people.get(sub);
    return person === undefined ? null : { sub, enabled: true, claims: { name: person.name } };
  },
  // Who is signed in to your application in this browser. `authTime`: when they proved it.
  async current(request) {
    const id = sessionId(request.headers.get('cookie'));
    const session = sessions.get(id);
    return session === undefined ? null : { ...session, sessionId: id, amr: ['pwd'] };
  },
  // A logout at the provider is a logout of your application.
  async signOut({ sessionId: id }) {
    sessions.delete(id);
    return new Headers([['Set-Cookie', 'app=; Path=/; Max-Age=0']]);
  },
};

// Without this pino writes an error as {}. describeError keeps parameters of the database out.
const error = (value: unknown): unknown => (value instanceof Error ? describeError(value) : value);
const log = pino({ serializers: { error } });
const database = sqlDatabase({ url: DATABASE_URL });
await database.migrate();
const provider = createProvider({
  issuer: ISSUER,
  store: database,
  secret: SECRET,
  accounts,
  pages: builtInPages({ login: '/login' }),
  logger: log,
});
await provider.maintain();

const app = express();
const trustProxy = Number(PROXIES);
const interactions = expressInteractions(provider, { trustProxy });
app.use(expressValetkey(provider, { trustProxy }));
app.use(express.urlencoded());

/** Forms of other sites must not sign anybody in or out. */
const fromHere: RequestHandler = ({ headers: { origin } }, response, next) => {
  if (origin === undefined || origin === new URL(ISSUER).origin) next();
  else response.status(403).send('This form is from another site.');
};

app.get('/login', async (request, response) => {
  const asked = 'interaction' in request.query;
  const details = asked ? await interactions.details(request) : null;
  const signedIn = sessions.has(sessionId(request.headers.cookie));
  // Somebody who is signed in goes on, unless the provider asks for a new proof.
  if (signedIn && details?.reauthenticate === false)
    return interactions.continue(request, response);
  const action = request.originalUrl.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  response.send(`<form method="post" action="${action}"><h1>Sign in</h1>
<input name="user" autocomplete="username"><input name="word" type="password">
<button>Sign in</button></form>`);
});

app.post('/login', fromHere, async (request: Request, response) => {
  const { user = '', word = '' } = request.body as Record<string, string>;
  // Yours: compare a hash, and limit how often somebody may try.
  if (people.get(user)?.password !== word) return void response.status(403).send('Wrong.');
  const id = randomUUID();
  sessions.set(id, { sub: user, authTime: Math.floor(Date.now() / 1000) });
  response.cookie('app', id, COOKIE);
  // Back to the page above, now with the session.
  response.redirect(303, 'interaction' in request.query ? request.originalUrl : '/');
});

app.post('/logout', fromHere, async (request, response) => {
  const id = sessionId(request.headers.cookie);
  sessions.delete(id);
  // Ends the codes and tokens that were issued in this session.
  await provider.sessions.end(id);
  response.clearCookie('app', COOKIE).redirect(303, '/');
});

app.get('/', (request, response) => {
  const { sub = 'nobody' } = sessions.get(sessionId(request.headers.cookie)) ?? {};
  response.send(`<p>${sub}</p><form method="post" action="/logout"><button>Sign out</button></form>
<a href="/login">Sign in</a>`);
});

const problem: ErrorRequestHandler = (error, _request, response, _next) => {
  if (!(error instanceof OAuthError)) log.error({ error }, 'request failed');
  const text = error instanceof OAuthError ? error.description : 'Something went wrong.';
  response.status(error instanceof OAuthError ? error.status : 500).send(text);
};
app.use(problem);

/** Runs a task every so many minutes. It logs a failure and tries again next time. */
const every = (minutes: number, task: () => Promise<unknown>): NodeJS.Timeout =>
  setInterval(
    () => void task().catch((error) => log.error({ error }, 'task failed')),
    minutes * 6e4,
  );
const timers = [
  every(5, async () => await provider.maintain()),
  every(10, async () => await provider.clear(5000)),
  every(1, async () => await provider.deliver()),
];

const PARTNER = 'partner';
if ((await provider.clients.find(PARTNER)) === null) {
  const redirectUris = [process.env['REDIRECT_URI'] ?? 'http://127.0.0.1:8400/callback'];
  const metadata = { name: 'Partner', redirectUris, idTokenClaims: true };
  const { clientSecret } = await provider.clients.create(metadata, { clientId: PARTNER });
  console.log(`client_id ${PARTNER}\nclient_secret ${clientSecret}`);
}
const server = app.listen(Number(PORT), (error) => {
  // Express calls this as well when the port is taken.
  if (error) throw error;
  log.info({ issuer: ISSUER }, 'listening');
});

async function stop(): Promise<void> {
  for (const timer of timers) clearInterval(timer);
  // Running requests end first, because they need the database.
  await new Promise((resolve) => server.close(resolve));
  await provider.close();
  await database.close();
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
