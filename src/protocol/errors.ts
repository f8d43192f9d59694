/**
 * The errors of the package: refusals of requests, and problems of the configuration. A refusal has
 * the error code of the specification, our stable slug for this one rejection, a sentence that is
 * safe for the client, and the cause for operators. How a refusal becomes a response is left to the
 * endpoint.
 */

/**
 * Error codes of the specifications (RFC 6749 §4.1.2.1, §5.2; RFC 6750 §3.1; OIDC Core §3.1.2.6;
 * RFC 7009 §2.2.1). Features add codes of other specifications.
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
  // This type accepts any string and keeps the completion of the codes above.
  | (string & {});

const STATUS: Readonly<Record<string, number>> = {
  invalid_client: 401,
  invalid_token: 401,
  insufficient_scope: 403,
  server_error: 500,
  temporarily_unavailable: 503,
};

/** What an operator needs to mend what was refused. It is logged and never sent. */
export interface RefusalHint {
  /** What the rule asks for. */
  readonly expected?: string;
  /** What came instead, without values that people typed or that are secret. */
  readonly received?: string;
  /** What would change it: a command of `valetkey`, or a setting of the application. */
  readonly remedy?: string;
}

/** The optional parts of an `OAuthError`. */
export interface OAuthErrorOptions {
  /** The error behind it, for logs. It is never sent. */
  readonly cause?: unknown;
  /**
   * HTTP status, where the specification leaves it open (405, 413, 414, 415, 429).
   * @default the status that belongs to the code, or 400
   */
  readonly status?: number;
  /**
   * False shows the refusal on a page and never sends it to the redirect URI of the client.
   * @default true
   */
  readonly redirectable?: boolean;
  /**
   * Response headers that the refusal needs (`Allow`, `Retry-After`, `WWW-Authenticate`).
   * @default {}
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** For the log of the operator. @default {} */
  readonly hint?: RefusalHint;
}

/** A request was refused by a rule of a specification or by a limit of the provider. */
export class OAuthError extends Error {
  /** Always `OAuthError`. */
  override readonly name = 'OAuthError';
  /** The error code that the client reads as `error`. */
  readonly code: ErrorCode;
  /** Our stable slug for this rejection, for audit events, logs and tests. */
  readonly reason: string;
  /** The sentence that the client reads as `error_description`. */
  readonly description: string;
  /** HTTP status of a response that is not a redirect. */
  readonly status: number;
  /** Response headers that the refusal needs. */
  readonly headers: Readonly<Record<string, string>>;
  /** False if the refusal must not be sent to the redirect URI of the client. */
  readonly redirectable: boolean;
  /** For the log of the operator. */
  readonly hint: RefusalHint;

  /**
   * A refusal.
   * @param code the error code that the client reads as `error`
   * @param reason our stable slug, one for each rejection; audit events, logs and tests use it
   * @param description the sentence that the client reads as `error_description`; only characters
   * that RFC 6749 §5.2 allows
   * @param options the parts that few refusals need
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
    this.hint = options.hint ?? {};
  }

  /** The same refusal with more response headers. */
  withHeaders(headers: Readonly<Record<string, string>>): OAuthError {
    return this.#with({ headers: { ...this.headers, ...headers } });
  }

  /** The same refusal with another HTTP status. */
  withStatus(status: number): OAuthError {
    return this.#with({ status });
  }

  /** The same refusal, which is shown and never sent to the redirect URI of the client. */
  notRedirected(): OAuthError {
    return this.#with({ redirectable: false });
  }

  #with(changes: OAuthErrorOptions): OAuthError {
    const { code, reason, description, status, redirectable, headers, hint, cause } = this;
    const same = { status, redirectable, headers, hint, cause };
    return new OAuthError(code, reason, description, { ...same, ...changes });
  }
}

/** One problem of the configuration, and its remedy. */
export interface ConfigProblem {
  /** The option that is wrong. */
  readonly option: string;
  /** A phrase that continues the name of the option, with a full stop, such as "is missing." */
  readonly problem: string;
  /** A sentence that says what to do. */
  readonly remedy: string;
}

/** The configuration cannot work. The message lists all problems at once. */
export class ConfigError extends Error {
  /** Always `ConfigError`. */
  override readonly name = 'ConfigError';
  /** All problems that were found. */
  readonly problems: readonly ConfigProblem[];

  /**
   * An error with these problems.
   * @param problems at least one
   */
  constructor(problems: readonly ConfigProblem[]) {
    super(
      `The configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n` +
        problems.map((p) => `  - ${p.option}: ${p.problem} ${p.remedy}`).join('\n'),
    );
    this.problems = problems;
  }
}
