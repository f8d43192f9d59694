/** An API in a test: a source that knows some tokens, and requests for it. */
import {
  createResource,
  type Refusal,
  type Resource,
  type ResourceOptions,
  type TokenSource,
  tokenFacts,
} from 'valetkey/resource';
import { API, AS, goodClaims, NOW } from './signed.ts';

export const DOCUMENT = 'https://api.example/.well-known/oauth-protected-resource/v1';

type Members = Readonly<Record<string, unknown>>;

/** A source that knows these tokens, each by what differs from a good one. */
export function sourceOf(tokens: Readonly<Record<string, Members>>): TokenSource {
  return {
    issuer: AS,
    async find(token) {
      const claims = Object.hasOwn(tokens, token) ? tokens[token] : undefined;
      return claims === undefined ? null : tokenFacts(goodClaims(claims));
    },
  };
}

export interface TestApi {
  readonly api: Resource;
  /** What operators hear, newest last. */
  readonly refusals: Refusal[];
}

export function apiOf(
  tokens: Readonly<Record<string, Members>> | TokenSource,
  options: Partial<ResourceOptions> = {},
): TestApi {
  const refusals: Refusal[] = [];
  const source = isSource(tokens) ? tokens : sourceOf(tokens);
  const api = createResource({
    resource: API,
    tokens: source,
    clock: () => NOW,
    onRefused: (refusal) => refusals.push(refusal),
    ...options,
  });
  return { api, refusals };
}

function isSource(given: object): given is TokenSource {
  return typeof (given as Partial<TokenSource>).find === 'function';
}

/** `GET /v1/photos`, unless told otherwise. The host is one that a proxy might use. */
export function request(
  authorization: string | null,
  init: Omit<RequestInit, 'headers'> & {
    readonly path?: string;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Request {
  const { path = '/v1/photos', headers = {}, ...rest } = init;
  return new Request(`http://10.0.0.7:8080${path}`, {
    ...rest,
    headers: { ...(authorization === null ? {} : { authorization }), ...headers },
  });
}

export interface Refused {
  readonly status: number;
  readonly challenge: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The refusal in a response. @throws when there is none */
export async function refusedBy(response: Response | undefined): Promise<Refused> {
  if (response === undefined) throw new Error('The request was not refused.');
  if (response.headers.get('cache-control') !== 'no-store') throw new Error('A cache may keep it.');
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    body: (await response.json()) as Record<string, unknown>,
  };
}
