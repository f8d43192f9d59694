/**
 * The one place from which an API calls its authorization server. Within bounds: https, one
 * deadline, one size, no redirects.
 */
import { readText } from './form.ts';
import { isSecure } from './secure-address.ts';
import { SourceUnavailable } from './token-facts.ts';

/** As the global `fetch`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A JSON answer. */
export interface JsonAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON value; undefined where the status is not 200. */
  readonly value: unknown;
}

/** Milliseconds for a call, with its body. */
const DEADLINE = 5000;
const MOST_BYTES = 262_144;

/** The `fetch` that is used where nobody names another one. */
export const globalFetch: Fetch = async (url, init) => await globalThis.fetch(url, init);

/**
 * Calls an authorization server.
 * @throws SourceUnavailable when it does not answer, or with something else than JSON
 */
export async function fetchJson(
  fetch: Fetch,
  url: string,
  init: RequestInit = {},
): Promise<JsonAnswer> {
  if (!isSecure(url)) throw new SourceUnavailable(`${url} is no https address`);
  const name = new URL(url).origin;
  try {
    const response = await fetch(url, {
      ...init,
      headers: { accept: 'application/json', ...init.headers },
      redirect: 'error',
      signal: AbortSignal.timeout(DEADLINE),
    });
    const { status, headers } = response;
    if (status !== 200) {
      await response.body?.cancel();
      return { status, headers, value: undefined };
    }
    const text = await readText(response, MOST_BYTES);
    if (text === null) throw new SourceUnavailable(`the answer of ${name} is too large`);
    return { status, headers, value: JSON.parse(text) as unknown };
  } catch (cause) {
    if (cause instanceof SourceUnavailable) throw cause;
    const what =
      cause instanceof SyntaxError ? 'answers with something else than JSON' : 'does not answer';
    throw new SourceUnavailable(`${name} ${what}`, cause);
  }
}
