/**
 * The contract of a URL. The router owns methods, errors, CORS; an endpoint handles what is left.
 */
import type { CorsRule } from '../../web/cors.ts';
import type { EngineContext } from './context.ts';
import type { Engine } from './engine.ts';

/** One endpoint. */
export interface Endpoint {
  /** Its name in `provider.url(name)` and in the log. */
  readonly name: string;
  /**
   * Below the base path, with or without a slash at its end: both answer. A segment `:name` is a
   * parameter (`ctx.request.path`).
   */
  readonly path: string;
  /** Methods it serves; others get 405. */
  readonly methods: readonly string[];
  /** How a refusal is shown: JSON, or a page that people read. */
  readonly errors: 'json' | 'page';
  /** Metadata name under which discovery tells its address. @default none */
  readonly metadataName?: string;
  /**
   * True where clients call it and prove themselves or their tokens: with a certificate, for
   * example (RFC 8705 §5). @default false
   */
  readonly isForClients?: boolean;
  /**
   * The endpoint is a public document of this file name: it is also found below `/.well-known/` at
   * the root and at the issuer (RFC 8414 §3.1).
   * @default none
   */
  readonly document?: string;
  /**
   * Which other origins may read its answers. Pages and the authorization endpoint allow none
   * (RFC 9700 §2.6). @default none
   */
  readonly cors?: CorsRule;
  /** Other names by which `provider.url` finds it. @default none */
  readonly aliases?: readonly string[];
  /**
   * True of the page where people see what they allowed, and withdraw it: other pages link there.
   * @default false
   */
  readonly isAccountPage?: boolean;
  /** What it adds to the discovery documents. */
  readonly metadata?: (engine: Engine) => Readonly<Record<string, unknown>>;
  /** Answers a request. @throws OAuthError */
  handle(ctx: EngineContext): Promise<Response>;
}
