/**
 * The context of one request. Classes, because every request makes one: a getter in an object
 * literal would give each of them a hidden class of its own, and keep it from being collected.
 */
import type { Context } from '../domain/context.ts';
import type { EventLog, Events } from '../domain/events.ts';
import type { HttpRequest } from '../web/request.ts';
import type { EngineContext, RefusalLog } from './contracts/context.ts';
import type { Engine } from './contracts/engine.ts';

/** What the requests of a provider share. */
export type Shared = Omit<Context, 'request' | 'events'> & {
  readonly events: EventLog;
  readonly engine: Engine;
  readonly refusals: RefusalLog;
};

class OneRequest implements EngineContext {
  readonly settings: Context['settings'];
  readonly store: Context['store'];
  readonly vault: Context['vault'];
  readonly clients: Context['clients'];
  readonly keys: Context['keys'];
  readonly resources: Context['resources'];
  readonly outbound: Context['outbound'];
  readonly deliveries: Context['deliveries'];
  readonly rateLimiter: Context['rateLimiter'];
  readonly now: Context['now'];
  readonly url: Context['url'];
  readonly accountUrl: Context['accountUrl'];
  readonly subjectOf: Context['subjectOf'];
  readonly engine: Engine;
  readonly request: HttpRequest;
  readonly refusals: RefusalLog;
  clientId: string | null = null;
  readonly #log: EventLog;
  #events: Events | null = null;

  constructor(shared: Shared, request: HttpRequest) {
    this.settings = shared.settings;
    this.store = shared.store;
    this.vault = shared.vault;
    this.clients = shared.clients;
    this.keys = shared.keys;
    this.resources = shared.resources;
    this.outbound = shared.outbound;
    this.deliveries = shared.deliveries;
    this.rateLimiter = shared.rateLimiter;
    this.now = shared.now;
    this.url = shared.url;
    this.accountUrl = shared.accountUrl;
    this.subjectOf = shared.subjectOf;
    this.engine = shared.engine;
    this.request = request;
    this.refusals = shared.refusals;
    this.#log = shared.events;
  }

  // Made when something happens: most requests report nothing.
  get events(): Events {
    this.#events ??= this.#log.forRequest(this.request);
    return this.#events;
  }
}

/** @param shared what the requests of a provider share */
export function contextOfRequest(shared: Shared, request: HttpRequest): EngineContext {
  return new OneRequest(shared, request);
}
