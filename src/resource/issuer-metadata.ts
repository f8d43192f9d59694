/** The metadata of an authorization server (RFC 8414, OIDC Discovery), read when it is needed. */
import {
  type CachedDocument,
  cachedDocument,
  freshFor,
  type ReadDocument,
} from './cached-document.ts';
import { type Fetch, fetchJson } from './fetch-json.ts';
import { SourceUnavailable } from './token-facts.ts';

type Metadata = Readonly<Record<string, unknown>>;

/** The metadata of an issuer. */
export function issuerMetadata(
  issuer: string,
  fetch: Fetch,
  now: () => number,
): CachedDocument<Metadata> {
  return cachedDocument(async () => {
    let failure: unknown;
    // A server that knows one of the addresses may answer the other one with anything.
    for (const url of addressesOf(issuer)) {
      try {
        return await readMetadata(issuer, fetch, url);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }, now);
}

async function readMetadata(
  issuer: string,
  fetch: Fetch,
  url: string,
): Promise<ReadDocument<Metadata>> {
  const { status, value, headers } = await fetchJson(fetch, url);
  if (status !== 200) throw new SourceUnavailable(`no metadata at ${url} (status ${status})`);
  const metadata = value as Metadata | null;
  // RFC 8414 §3.3: the issuer in the document is the one that it was looked up for.
  if (metadata?.['issuer'] !== issuer)
    throw new SourceUnavailable(`the metadata at ${url} is of another issuer`);
  return { value: metadata, freshFor: freshFor(headers) };
}

/** An address in the metadata. @throws SourceUnavailable when it names none */
export function addressIn(metadata: Metadata, name: string): string {
  const value = metadata[name];
  if (typeof value === 'string') return value;
  throw new SourceUnavailable(`the metadata of the issuer names no ${name}`);
}

/** RFC 8414 §3.1, §5: between host and path; as OpenID Connect has it, after the path. */
function addressesOf(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
}
