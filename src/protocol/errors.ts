/**
 * Refusals. One class carries the wire code of the specification, our stable slug for this very
 * rejection, a sentence safe for the client, and the cause for operators. How a refusal becomes a
 * response is decided by the endpoint.
 */

/**
 * Error codes on the wire (RFC 6749 §4.1.2.1, §5.2; RFC 6750 §3.1; OIDC Core §3.1.2.6; RFC 7009
 * §2.2.1).
 */
export type ErrorCode =
  | 'access_denied'
  | 'account_selection_required'
  | 'consent_required'
  | 'insufficient_scope'
  | 'interaction_required'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_request'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_token'
  | 'login_required'
  | 'registration_not_supported'
  | 'request_not_supported'
  | 'request_uri_not_supported'
  | 'server_error'
  | 'temporarily_unavailable'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'unsupported_token_type'
  // Plug-ins bring codes of their own specifications.
  | (string & {});

const STATUS: Readonly<Record<string, number>> = {
  invalid_client: 401,
  invalid_token: 401,
  insufficient_scope: 403,
  server_error: 500,
  temporarily_unavailable: 503,
};

/** What an `OAuthError` may carry besides its texts. */
export interface OAuthErrorOptions {
  /** For operators only: never sent. */
  readonly cause?: unknown;
  /**
   * HTTP status, where the specification leaves it open (405, 413, 414, 415, 429); else derived
   * from the code.
   */
  readonly status?: number;
  /** False: shown as a page, never sent to the redirect URI of the client. @default true */
  readonly redirectable?: boolean;
  /** Response headers the refusal needs (`Allow`, `Retry-After`, `WWW-Authenticate`). */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request was refused by a rule of the protocol. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly code: ErrorCode;
  readonly reason: string;
  readonly description: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly redirectable: boolean;

  /**
   * @param code what the client reads as `error`
   * @param reason our stable slug, one per rejection: audit events, logs and tests use it
   * @param description what the client reads as `error_description`: characters of RFC 6749 §5.2
   * only
   */
  constructor(
    code: ErrorCode,
    reason: string,
    description: string,
    options: OAuthErrorOptions = {},
  ) {
    super(`${code} (${reason}): ${description}`, { cause: options.cause });
    this.code = code;
    this.reason = reason;
    this.description = description;
    this.status = options.status ?? (Object.hasOwn(STATUS, code) ? STATUS[code] : undefined) ?? 400;
    this.headers = options.headers ?? {};
    this.redirectable = options.redirectable ?? true;
  }

  /** The same refusal with more response headers. */
  withHeaders(headers: Readonly<Record<string, string>>): OAuthError {
    const { code, reason, description, status, redirectable, cause } = this;
    const all = { ...this.headers, ...headers };
    return new OAuthError(code, reason, description, { cause, status, redirectable, headers: all });
  }
}

/** One thing wrong with the configuration, and what to do about it. */
export interface ConfigProblem {
  readonly option: string;
  readonly problem: string;
  readonly remedy: string;
}

/** The configuration cannot work; lists every problem at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(
      `The configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n` +
        problems.map((p) => `  - ${p.option}: ${p.problem} ${p.remedy}`).join('\n'),
    );
    this.problems = problems;
  }
}
