/**
 * `valetkey/server`: the standalone server. It starts, creates what is missing, answers requests,
 * runs periodic maintenance, and stops in order. The provider owns the protocol and the pages;
 * `assemble.ts` builds the parts.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger, Provider } from 'valetkey';
import { type NodeOptions, nodeListener, sendResponse } from 'valetkey/node';
import { type Assembly, assemble } from './assemble.ts';
import { type FirstStart, firstStart } from './first-start.ts';
import { createReadiness, type Readiness } from './health.ts';
import { homePage } from './home.ts';
import { isLoopback, listen } from './listen.ts';
import { logOf } from './log.ts';
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
export { logOf } from './log.ts';
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

/** A running server. */
export interface RunningServer {
  /** The URL that it listens on, such as `http://localhost:4000`. */
  readonly url: string;
  /** The provider that answers the requests. */
  readonly provider: Provider;
  /** The parts of the server. */
  readonly assembly: Assembly;
  /** What the start found and created. */
  readonly found: FirstStart;
  /** Milliseconds after which a stop has failed. */
  readonly longestStop: number;
  /**
   * Says that it stops (`stopNotice`), accepts no more connections, waits at most 7.5 seconds for
   * running requests, writes waiting audit events and closes the database. Every further call waits
   * for the same stop.
   */
  stop(): Promise<void>;
}

/** Paths that the server answers itself. The provider answers all others. */
const OWN_PATHS: readonly string[] = ['/', '/healthz', '/readyz'];
/** Milliseconds between two runs of a maintenance task. */
const MAINTAIN_EVERY = 5 * 60_000;
/** For the deliveries of a process that has stopped; one that runs sends its own at once. */
const DELIVER_EVERY = 10_000;
const CLEAR_EVERY = 60 * 60_000;
/**
 * Rows per record kind and batch, and milliseconds between two batches. Small batches with pauses
 * keep the database free for requests.
 */
const CLEAR_BATCH = 5000;
const CLEAR_PAUSE = 200;
/** Milliseconds to wait for running requests. */
const DRAIN = 7500;
/** Milliseconds for closing what is left. */
const CLOSING = 2000;

/** How a server starts. */
export interface StartOptions {
  /**
   * Listen only when everything is ready. For a process that shares the port with others, because
   * the others answer meanwhile.
   * @default false: listen first, and answer 503 until everything is ready
   */
  readonly listenLast?: boolean;
}

/**
 * Reads the settings and starts the server.
 * @param sources where the settings come from; by default the environment and the settings file
 * @throws ConfigError that lists every problem of the settings
 * @throws StoreUnavailable when the database does not answer
 * @throws Error with a message for operators, such as a port that is in use
 */
export async function startServer(
  sources: SettingSources = { env: process.env },
  { listenLast = false }: StartOptions = {},
): Promise<RunningServer> {
  const settings = await readSettings(sources);
  const log = logOf(settings);
  const assembly = await assemble(settings, { logger: log });
  try {
    return await serve(assembly, log, listenLast);
  } catch (error) {
    await assembly.close();
    throw error;
  }
}

async function serve(assembly: Assembly, log: Logger, listenLast: boolean): Promise<RunningServer> {
  const { settings, provider } = assembly;
  refuseOtherPort(assembly);
  const readiness = createReadiness(assembly);
  let serving: RequestListener = (_request, response) => answer(response, 503, 'starting');
  const early = listenLast ? await firstStart(assembly) : null;
  if (early !== null) serving = requests(assembly, readiness, log);
  // Listen before the first start creates passwords: it shows them only once, and they would be
  // lost if the port were in use.
  const { url, drain } = await listen(
    (request, response) => serving(request, response),
    portOf(settings),
    hostOf(settings, assembly.issuer),
  );
  let found: FirstStart;
  try {
    found = early ?? (await firstStart(assembly));
  } catch (error) {
    await drain(0, 0);
    throw error;
  }
  serving = requests(assembly, readiness, log);
  const timers = [
    every(MAINTAIN_EVERY, () => provider.maintain(), log, 'could not maintain the signing keys'),
    every(DELIVER_EVERY, () => provider.deliver(), log, 'could not tell applications'),
    every(CLEAR_EVERY, () => clearAll(provider), log, 'could not delete expired rows'),
  ];
  const notice = noticeOf(settings, assembly.issuer);
  const stop = async (): Promise<void> => {
    readiness.stopping();
    for (const timer of timers) clearInterval(timer);
    await drain(notice, DRAIN);
    await assembly.close();
  };
  let stopped: Promise<void> | null = null;
  return {
    url,
    provider,
    assembly,
    found,
    longestStop: notice + DRAIN + CLOSING,
    stop: async () => {
      stopped ??= stop();
      await stopped;
    },
  };
}

/**
 * Refuses to start when the database records an issuer on another port: its clients would not reach
 * this server. An operator who forwards that port to this one sets the issuer to say so.
 */
function refuseOtherPort({ settings, issuer }: Assembly): void {
  if (settings['issuer'] !== undefined || issuer === issuerOf(settings)) return;
  const { protocol, port } = new URL(issuer);
  const start = protocol === 'https:' ? 'Set' : `Start with PORT=${port || 80}, or set`;
  throw new Error(
    `This database belongs to the issuer ${issuer}, but the port is ${portOf(settings)}. ${start} VALETKEY_ISSUER.`,
  );
}

/** Deletes in batches until one is not full, with pauses so that requests can use the database. */
async function clearAll(provider: Provider): Promise<void> {
  for (let full = true; full; ) {
    full = Object.values(await provider.clear(CLEAR_BATCH)).some((rows) => rows >= CLEAR_BATCH);
    if (full) await pause(CLEAR_PAUSE);
  }
}

/** Where a trusted proxy tells the certificates of clients. */
function certificateHeaders(settings: GivenSettings): Pick<NodeOptions, 'certificateHeaders'> {
  const certificate = settings['certificateHeader'] as string | undefined;
  const verified = settings['certificateVerifiedHeader'] as string | undefined;
  if (certificate === undefined) return {};
  return {
    certificateHeaders: { certificate, ...(verified === undefined ? {} : { verified }) },
  };
}

function requests(assembly: Assembly, readiness: Readiness, log: Logger): RequestListener {
  // This process runs only the provider, so it may replace the global Request and Response with
  // faster classes.
  const listener = nodeListener(assembly.provider, {
    trustProxy: trustedProxies(assembly.settings),
    ...certificateHeaders(assembly.settings),
    overrideGlobals: true,
  });
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (OWN_PATHS.includes(path) && request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response, 405, 'The request method is not allowed here.', {
        Allow: 'GET, HEAD',
      });
    if (path === '/')
      return void sendResponse(homePage(assembly, request.headers['accept-language']), response);
    if (path === '/healthz') return answer(response, 200, 'ok');
    if (path === '/readyz')
      return void readiness
        .problem()
        .then((problem) => answer(response, problem === null ? 200 : 503, problem ?? 'ready'));
    listener(request, response).catch((error: unknown) => fail(request, response, error, log));
  };
}

/** A timer that does not keep the process alive. It logs a failure and tries again next time. */
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

/** The setting `stopNotice`. Nothing balances load on loopback, so a stop is quick there. */
function noticeOf(settings: GivenSettings, issuer: string): number {
  return (settings['stopNotice'] as number | undefined) ?? (isLoopback(issuer) ? 500 : 5000);
}

/** The setting `host`. Without it, an issuer on loopback is reachable from this machine alone. */
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
  log.error({ error, method: request.method }, 'could not answer the request');
  if (response.headersSent) response.destroy();
  else answer(response, 500, 'Something went wrong on our side.');
}
