/**
 * `valetkey/server`: the standalone server. Starts with what is there, makes what is missing,
 * answers, keeps house, and stops in order. Protocol and pages are the provider's; the parts are
 * put together in `assemble.ts`.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger, Provider } from 'valetkey';
import { nodeListener, sendResponse } from 'valetkey/node';
import { type Assembly, assemble } from './assemble.ts';
import { type FirstStart, firstStart } from './first-start.ts';
import { createReadiness, type Readiness } from './health.ts';
import { homePage } from './home.ts';
import { isLoopback, listen } from './listen.ts';
import { serverLog } from './log.ts';
import { issuerOf, portOf, trustedProxies } from './provider-config.ts';
import { readSettings } from './settings.ts';
import type { SettingSources } from './settings-file.ts';
import type { GivenSettings } from './settings-table.ts';

export {
  type AssembleOptions,
  type Assembly,
  assemble,
  dataDirOf,
  type OpenedDatabase,
  openDatabase,
  whoseDatabase,
} from './assemble.ts';
export { type FirstStart, firstStart } from './first-start.ts';
export { discoveryUrl, issuerOf } from './provider-config.ts';
export { readSettings } from './settings.ts';
export {
  featuresOf,
  readSettingsFile,
  type SettingSources,
  type SettingsFile,
} from './settings-file.ts';
export {
  type AnyFeature,
  type GivenSettings,
  type SettingDefinition,
  type SettingKind,
  settingsTable,
} from './settings-table.ts';

/** A server that is up. */
export interface RunningServer {
  /** Where it listens. */
  readonly url: string;
  readonly provider: Provider;
  readonly assembly: Assembly;
  /** What the start found and made. */
  readonly found: FirstStart;
  /** Stops taking connections, lets requests end, writes what waits, closes the database. */
  stop(): Promise<void>;
}

/** What the server answers itself; all else is the provider's. */
const OWN_PATHS: readonly string[] = ['/', '/healthz', '/readyz'];
const MAINTAIN_EVERY = 5 * 60_000;
const CLEAR_EVERY = 60 * 60_000;
/**
 * Rows per record kind and batch, and milliseconds between batches: the cleaner never holds the
 * database up.
 */
const CLEAR_BATCH = 5000;
const CLEAR_PAUSE = 200;
/** Milliseconds for running requests; with what follows, a stop stays below 10 seconds. */
const DRAIN = 8000;

/**
 * Reads the settings and starts.
 * @throws ConfigError, StoreUnavailable, or Error with a message for operators
 */
export async function startServer(
  sources: SettingSources = { env: process.env },
): Promise<RunningServer> {
  const settings = await readSettings(sources);
  const log = serverLog((settings['logLevel'] as string | undefined) ?? 'info');
  const assembly = await assemble(settings, { logger: log });
  try {
    return await serve(assembly, log);
  } catch (error) {
    await assembly.close();
    throw error;
  }
}

async function serve(assembly: Assembly, log: Logger): Promise<RunningServer> {
  const { settings, provider } = assembly;
  refuseOtherPort(assembly);
  const readiness = createReadiness(assembly);
  let serving: RequestListener = (_request, response) => answer(response, 503, 'starting');
  // The port comes first: what a first start makes is told once, and would be lost with a start
  // that fails on a taken port.
  const { url, drain } = await listen(
    (request, response) => serving(request, response),
    portOf(settings),
    hostOf(settings, assembly.issuer),
  );
  let found: FirstStart;
  try {
    found = await firstStart(assembly);
  } catch (error) {
    await drain(0);
    throw error;
  }
  serving = requests(assembly, readiness, log);
  const timers = [
    every(MAINTAIN_EVERY, () => provider.maintain(), log, 'signing keys could not be maintained'),
    every(CLEAR_EVERY, () => clearAll(provider), log, 'expired rows could not be cleared'),
  ];
  const stop = async (): Promise<void> => {
    readiness.stopping();
    for (const timer of timers) clearInterval(timer);
    await drain(DRAIN);
    await assembly.close();
  };
  let stopped: Promise<void> | null = null;
  return {
    url,
    provider,
    assembly,
    found,
    stop: async () => {
      stopped ??= stop();
      await stopped;
    },
  };
}

/**
 * An issuer that was written down on another port answers nobody here, unless somebody leads there
 * and says so by setting it.
 */
function refuseOtherPort({ settings, issuer }: Assembly): void {
  if (settings['issuer'] !== undefined || issuer === issuerOf(settings)) return;
  throw new Error(
    `This database belongs to the issuer ${issuer}, but the port is ${portOf(settings)}. Start with PORT=${new URL(issuer).port || 80}, or set VALETKEY_ISSUER.`,
  );
}

/** Batch after batch, with room for others in between, until one is not full. */
async function clearAll(provider: Provider): Promise<void> {
  for (let full = true; full; ) {
    full = Object.values(await provider.clear(CLEAR_BATCH)).some((rows) => rows >= CLEAR_BATCH);
    if (full) await pause(CLEAR_PAUSE);
  }
}

function requests(assembly: Assembly, readiness: Readiness, log: Logger): RequestListener {
  // The process is nothing but this provider, so the faster Request and Response may take the
  // global names.
  const listener = nodeListener(assembly.provider, {
    trustProxy: trustedProxies(assembly.settings),
    overrideGlobals: true,
  });
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (OWN_PATHS.includes(path) && request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response, 405, 'The request method is not allowed here.', {
        Allow: 'GET, HEAD',
      });
    if (path === '/') return void sendResponse(homePage(assembly), response);
    if (path === '/healthz') return answer(response, 200, 'ok');
    if (path === '/readyz')
      return void readiness
        .problem()
        .then((problem) => answer(response, problem === null ? 200 : 503, problem ?? 'ready'));
    listener(request, response).catch((error: unknown) => fail(request, response, error, log));
  };
}

/** An unreferenced timer; what fails is told and tried again next time. */
function every(
  milliseconds: number,
  work: () => Promise<unknown>,
  log: Logger,
  complaint: string,
): NodeJS.Timeout {
  return setInterval(
    () => void work().catch((error: unknown) => log.error({ error }, complaint)),
    milliseconds,
  ).unref();
}

/** An issuer on loopback is for this machine alone. */
function hostOf(settings: GivenSettings, issuer: string): string | undefined {
  return (settings['host'] as string | undefined) ?? (isLoopback(issuer) ? 'loopback' : undefined);
}

function answer(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
      ...headers,
    })
    .end(`${text}\n`);
}

function fail(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  log: Logger,
): void {
  log.error({ error, method: request.method }, 'the request could not be answered');
  if (response.headersSent) response.destroy();
  else answer(response, 500, 'Something went wrong on our side.');
}
