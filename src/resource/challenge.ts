/**
 * Refusals as responses: the challenges of RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3 and RFC 9728
 * §5.1, and a JSON body that says the same. Why a token was refused is never in them.
 */
import { DPOP_ALGS, type OAuthError } from 'valetkey';
import type { Scheme } from './api-request.ts';
import type { ReadyRule } from './rules.ts';

/** A refusal, ready to be written. */
export interface Refused {
  /** HTTP status. */
  readonly status: number;
  /** HTTP headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
}

/** What a challenge tells beside the error. */
export interface ChallengeFacts {
  /** Address of the document about the API. */
  readonly metadataUrl: string;
  readonly isDpopRequired: boolean;
  readonly rule: ReadyRule | null;
  /** The scheme of the request; null when it has none for tokens. */
  readonly scheme: Scheme | null;
}

/** Reason of the refusal of a request without a token. */
export const MISSING = 'no_token';

type Params = Readonly<Record<string, string | undefined>>;

/** The response to a refusal. */
export function refusedAs(error: OAuthError, facts: ChallengeFacts): Refused {
  const { code, description, status } = error;
  const body = { error: code, error_description: description };
  return {
    status,
    headers: {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...(status === 503 ? {} : { 'WWW-Authenticate': challenges(error, facts) }),
      ...error.headers,
    },
    body: JSON.stringify(body),
  };
}

/** RFC 9449 §7.2: an API that takes both schemes names both; the one that was used comes first. */
function challenges(error: OAuthError, facts: ChallengeFacts): string {
  const { scheme, isDpopRequired, metadataUrl } = facts;
  // RFC 6750 §3.1: a request without any token gets a challenge without an error.
  const failed = error.reason === MISSING ? {} : errorParams(error);
  const asked = demands(error, facts);
  // RFC 9728 §5.1: each challenge says where the document about the API is.
  const about = { resource_metadata: metadataUrl };
  const write = (one: Scheme): string => {
    const told = one === (scheme ?? 'bearer') || isDpopRequired ? { ...failed, ...asked } : {};
    // RFC 9449 §7.1: with the algorithms for proofs.
    return one === 'bearer'
      ? challenge('Bearer', { ...told, ...about })
      : challenge('DPoP', { ...told, algs: DPOP_ALGS.join(' '), ...about });
  };
  const both: readonly Scheme[] = scheme === 'dpop' ? ['dpop', 'bearer'] : ['bearer', 'dpop'];
  return both
    .filter((one) => one === 'dpop' || !isDpopRequired)
    .map(write)
    .join(', ');
}

function errorParams({ code, description }: OAuthError): Params {
  return { error: code, error_description: description };
}

/** What the request would need. */
function demands({ code, reason }: OAuthError, { rule }: ChallengeFacts): Params {
  if (rule === null) return {};
  const [scopes = []] = rule.alternatives;
  const scope = scopes.length === 0 ? undefined : scopes.join(' ');
  // RFC 6750 §3.1: the scope that is needed; a client without a token hears it as well.
  if (code === 'insufficient_scope' || reason === MISSING) return { scope };
  if (code !== 'insufficient_user_authentication') return {};
  // RFC 9470 §3: what the sign-in has to be.
  return {
    acr_values: rule.acr === null ? undefined : rule.acr.join(' '),
    max_age: rule.maxAge === null ? undefined : String(rule.maxAge),
  };
}

function challenge(scheme: string, params: Params): string {
  const written = Object.entries(params).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${quoted(value)}`],
  );
  return `${scheme} ${written.join(', ')}`;
}

/** RFC 9110 §5.6.4: a quoted-string, of printable ASCII alone. */
export function quoted(text: string): string {
  return `"${text.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, '\\$&')}"`;
}
