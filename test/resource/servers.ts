/** Authorization servers that answer as a test says, without a network. */
import type { Fetch } from 'valetkey/resource';

/** A call that was made. */
export interface Call {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly form: URLSearchParams;
  readonly init: RequestInit;
}

export interface TestServer {
  readonly fetch: Fetch;
  readonly calls: Call[];
  /** How often an address was called. */
  count(url: string): number;
}

type Answer = Response | Error | object | Promise<Response>;

/** @param answers what each address answers now; an object is JSON */
export function serverOf(answers: Readonly<Record<string, (call: Call) => Answer>>): TestServer {
  const calls: Call[] = [];
  return {
    calls,
    count: (url) => calls.filter((call) => call.url === url).length,
    async fetch(url, init) {
      const { method = 'GET', headers, body } = init;
      const form = new URLSearchParams(typeof body === 'string' ? body : '');
      const call = { url, method, headers: new Headers(headers), form, init };
      calls.push(call);
      // Others run before the answer is there.
      await new Promise((resolve) => setImmediate(resolve));
      const answer = (await answers[url]?.(call)) ?? new Response('', { status: 404 });
      if (answer instanceof Error) throw answer;
      return answer instanceof Response ? answer : Response.json(answer);
    },
  };
}
