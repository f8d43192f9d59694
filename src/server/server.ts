/** `valetkey/server`: the standalone server. Starts, says what it found and made, serves, and stops without cutting anybody off. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pino } from 'pino';
import { nodeListener } from 'valetkey/node';
import { type Assembly, assemble } from './assemble.ts';
import { type FirstStart, firstStart } from './first-start.ts';
import { homePage } from './home.ts';
import { type GivenSettings, readSettings, type SettingSources } from './settings.ts';

export { type Assembly, assemble } from './assemble.ts';
export { type FirstStart, firstStart } from './first-start.ts';
export { type GivenSettings, readSettings, SETTINGS, type SettingDefinition, type SettingSources } from './settings.ts';

/** A server that is up. */
export interface RunningServer {
  /** Where it listens. */
  readonly url: string;
  readonly assembly: Assembly;
  readonly found: FirstStart;
  /** Stops taking connections, lets requests end, writes what waits, closes the database. At most 10 seconds. */
  stop(): Promise<void>;
}

const MAINTAIN_EVERY = 5 * 60_000;
const CLEAR_EVERY = 60 * 60_000;
const CLEAR_BATCH = 5000;
const DRAIN = 9000;

/** Reads the settings and starts. @throws ConfigError, StoreUnavailable, or Error with a message for operators */
export async function startServer(sources: SettingSources = { env: process.env }): Promise<RunningServer> {
  return await serve(await readSettings(sources));
}

async function serve(settings: GivenSettings): Promise<RunningServer> {
  const level = (settings['logLevel'] as string | undefined) ?? 'info';
  const log = pino(
    { level, base: null, redact: { paths: ['*.password', '*.token', '*.secret', 'authorization', 'cookie'], censor: '…' } },
    pino.destination(2),
  );
  // Refusals are the daily bread of such a server: they are for those who ask for them.
  const logger = {
    info: (fields: object, message: string): void => log.debug(fields, message),
    warn: (fields: object, message: string): void => log.warn(fields, message),
    error: (fields: object, message: string): void => log.error(fields, message),
  };
  const assembly = await assemble(settings, { logger });
  const found = await firstStart(assembly);
  const { provider, database } = assembly;

  const state = { ready: true };
  const listener = nodeListener(provider, { trustProxy: trust(settings['trustProxy']), overrideGlobals: true });
  const server = createServer(
    { maxHeaderSize: 16_384, requestTimeout: 15_000, headersTimeout: 10_000, keepAliveTimeout: 5000 },
    (request, response) => {
      const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
      if (path === '/' && request.method === 'GET') return homePage(assembly, response);
      if (path === '/healthz') return answer(response, 200, 'ok');
      if (path === '/readyz')
        return void readiness(assembly, state).then((problem) => answer(response, problem === null ? 200 : 503, problem ?? 'ready'));
      listener(request, response).catch((error: unknown) => fail(request, response, error, logger.error));
    },
  );
  await listen(server, assembly.port, host(settings, assembly.issuer));

  const timers = [
    setInterval(
      () => void provider.maintain().catch((error: unknown) => log.error({ error }, 'signing keys could not be maintained')),
      MAINTAIN_EVERY,
    ),
    setInterval(
      () => void provider.clear(CLEAR_BATCH).catch((error: unknown) => log.warn({ error }, 'expired rows could not be cleared')),
      CLEAR_EVERY,
    ),
  ];
  for (const timer of timers) timer.unref();

  let stopping: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    state.ready = false;
    for (const timer of timers) clearInterval(timer);
    await drain(server);
    await provider.close();
    await database.close();
  };
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : assembly.port;
  return {
    url: `http://localhost:${port}`,
    assembly,
    found,
    stop: async () => {
      stopping ??= stop();
      await stopping;
    },
  };
}

function trust(value: unknown): false | number | readonly string[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  const [only, ...more] = value as string[];
  return more.length === 0 && /^[0-9]+$/.test(only ?? '') ? Number(only) : (value as string[]);
}

function host(settings: GivenSettings, issuer: string): string | undefined {
  const given = settings['host'] as string | undefined;
  if (given !== undefined) return given;
  const { hostname } = new URL(issuer);
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname) ? 'localhost' : undefined;
}

async function listen(server: Server, port: number, hostname: string | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: hostname }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function drain(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    const hard = setTimeout(() => {
      server.closeAllConnections();
      resolve();
    }, DRAIN);
    server.close(() => {
      clearTimeout(hard);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/** Why the server should get no traffic, or null. */
async function readiness({ database, provider }: Assembly, state: { readonly ready: boolean }): Promise<string | null> {
  if (!state.ready) return 'stopping';
  try {
    if ((await database.pendingMigrations()).length > 0) return 'migrations are pending';
    return (await provider.keys.published()).length > 0 ? null : 'no signing keys';
  } catch {
    return 'the database does not answer';
  }
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' }).end(`${text}\n`);
}

function fail(request: IncomingMessage, response: ServerResponse, error: unknown, log: (fields: object, message: string) => void): void {
  log({ error, method: request.method }, 'the request could not be answered');
  if (!response.headersSent) answer(response, 500, 'Something went wrong on our side.');
  else response.destroy();
}
