/**
 * One HTTP request as the endpoints read it: bounded, decoded strictly, each part only when asked
 * for. It touches only the cheap parts of `Request`. Reading bodies is in `body.ts`.
 */

import { parseCookie } from 'cookie';
import type { ClientCertificate } from '../crypto/certificates.ts';
import { addressIn } from '../domain/addresses.ts';
import type { Context } from '../domain/context.ts';
import type { RequestFacts } from '../domain/request-facts.ts';
import { type ParamLimits, type Params, parseParams } from '../protocol/params.ts';
import { readFormBody, readJsonBody } from './body.ts';

/** A request, with everything an endpoint may read of it. */
export interface HttpRequest extends RequestFacts {
  /** The request itself. Its body is read through `form` and `json` alone. */
  readonly raw: Request;
  /** The request as the host's framework has it, where its adapter hands it on. */
  readonly native: unknown;
  /** Values of the parameters in the path of the endpoint, by name. */
  readonly path: Readonly<Record<string, string>>;
  /** Parameters of the query string. @throws OAuthError when they are malformed or too many */
  query(): Params;
  /**
   * Parameters of the form body.
   * @throws OAuthError 415 for another content type, 413 when too large
   */
  form(): Promise<Params>;
  /** Members of a JSON body. @throws OAuthError 415, 413, or 400 for anything but a JSON object */
  json(): Promise<Readonly<Record<string, unknown>>>;
  /** The value of a cookie; null when the browser sent none of this name. */
  cookie(name: string): string | null;
}

/** A context with the request that is being answered. */
export interface RequestContext extends Context {
  readonly request: HttpRequest;
}

/** What an adapter knows besides the request. */
export interface RequestInfo {
  /** Address of the peer; rate limits count by it. */
  readonly ip?: string | undefined;
  /** Stands in the log, in events and on error pages. @default random */
  readonly requestId?: string | undefined;
  /** The request as the host's framework has it, for `accounts.current`. */
  readonly native?: unknown;
  /**
   * The certificate that the client showed in TLS, for mutual TLS (RFC 8705). Called when a rule
   * asks. Never pass on what anybody but your own proxy wrote into a header.
   */
  readonly certificate?: (() => ClientCertificate | null) | undefined;
}

/** What reading a request needs. */
export interface RequestParts {
  readonly limits: ParamLimits;
  readonly now: () => number;
  readonly makeId: () => string;
}

const LONGEST_ID = 64;
const LONGEST_COOKIES = 16_384;

/** A class, so that a request makes no functions of its own. */
class ReadRequest implements HttpRequest {
  readonly raw: Request;
  readonly native: unknown;
  readonly path: HttpRequest['path'];
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly startedAt: number;
  readonly #info: RequestInfo;
  readonly #parts: RequestParts;
  #query: Params | null = null;
  #form: Promise<Params> | null = null;
  #cookies: Readonly<Record<string, string | undefined>> | null = null;
  #address: string | null | undefined;
  #requestId: string | null = null;
  #certificate: ClientCertificate | null | undefined;

  constructor(
    raw: Request,
    url: URL,
    info: RequestInfo,
    path: HttpRequest['path'],
    parts: RequestParts,
  ) {
    this.raw = raw;
    this.native = info.native;
    this.path = path;
    this.method = raw.method;
    this.url = url;
    this.headers = raw.headers;
    this.startedAt = parts.now();
    this.#info = info;
    this.#parts = parts;
  }

  // Address and id are read when they are asked for: most requests need neither.
  get address(): string | null {
    if (this.#address === undefined) this.#address = addressIn(this.#info.ip);
    return this.#address;
  }

  get certificate(): ClientCertificate | null {
    if (this.#certificate === undefined) this.#certificate = this.#info.certificate?.() ?? null;
    return this.#certificate;
  }

  get requestId(): string {
    this.#requestId ??= this.#info.requestId?.slice(0, LONGEST_ID) ?? this.#parts.makeId();
    return this.#requestId;
  }

  query(): Params {
    this.#query ??= parseParams(this.url.search.slice(1), this.#parts.limits);
    return this.#query;
  }

  form(): Promise<Params> {
    // A body can be read once; what it says may be asked for more often.
    this.#form ??= readFormBody(this.raw, this.#parts.limits);
    return this.#form;
  }

  json(): Promise<Readonly<Record<string, unknown>>> {
    return readJsonBody(this.raw, this.#parts.limits);
  }

  cookie(name: string): string | null {
    this.#cookies ??= parseCookie((this.headers.get('cookie') ?? '').slice(0, LONGEST_COOKIES));
    return Object.hasOwn(this.#cookies, name) ? (this.#cookies[name] ?? null) : null;
  }
}

export function readRequest(
  raw: Request,
  url: URL,
  info: RequestInfo,
  path: HttpRequest['path'],
  parts: RequestParts,
): HttpRequest {
  return new ReadRequest(raw, url, info, path, parts);
}
