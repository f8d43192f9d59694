/**
 * The document about an API (RFC 9728): where its authorization servers are, and how tokens are
 * presented. Clients find it by its address, or by `resource_metadata` in a challenge.
 */
import { ConfigError, DPOP_ALGS } from 'valetkey';
import { isSecure } from './secure-address.ts';

/** What the document tells. */
export interface MetadataFacts {
  /** Identifier of the API. */
  readonly resource: string;
  readonly authorizationServers: readonly string[];
  readonly scopes?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly documentation?: string | undefined;
  readonly policyUri?: string | undefined;
  readonly tosUri?: string | undefined;
  readonly isBodyAllowed: boolean;
  readonly isDpopRequired: boolean;
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** The URL of an API. @throws ConfigError when it is no identifier of one */
export function resourceUrl(resource: string): URL {
  const url = URL.canParse(resource) ? new URL(resource) : null;
  // RFC 9728 §1.2: an https URL without a fragment; a query is left to those who need one.
  const isBare = url !== null && !/[?#]/.test(resource) && `${url.username}${url.password}` === '';
  if (url !== null && isSecure(resource) && isBare) return url;
  throw new ConfigError([
    {
      option: 'resource',
      problem: 'must be an https address without query and fragment.',
      remedy: 'Write it like https://api.example.com/v1; http is for localhost.',
    },
  ]);
}

/** Path of the document. */
export function metadataPath({ pathname }: URL): string {
  // RFC 9728 §3.1: between the host and the path; a path that is only a slash falls away.
  return pathname === '/' ? WELL_KNOWN : `${WELL_KNOWN}${pathname}`;
}

/** The document, as JSON. */
export function metadataDocument(facts: MetadataFacts): string {
  return JSON.stringify({
    // RFC 9728 §3.3: exactly the identifier that the address was made of.
    resource: facts.resource,
    authorization_servers: listed(facts.authorizationServers),
    bearer_methods_supported: facts.isBodyAllowed ? ['header', 'body'] : ['header'],
    scopes_supported: listed(facts.scopes),
    resource_name: facts.name,
    resource_documentation: facts.documentation,
    resource_policy_uri: facts.policyUri,
    resource_tos_uri: facts.tosUri,
    dpop_signing_alg_values_supported: DPOP_ALGS,
    dpop_bound_access_tokens_required: facts.isDpopRequired ? true : undefined,
  });
}

/** RFC 9728 §3.2: a member without a value is left out. */
function listed(values: readonly string[] = []): readonly string[] | undefined {
  return values.length === 0 ? undefined : values;
}

/** Every web application may read it. */
const CORS = { 'Access-Control-Allow-Origin': '*' };
const ALLOW = 'GET, HEAD, OPTIONS';

/** Status, headers and body of the answer to a request for the document. */
export function metadataAnswer(
  document: string,
  method: string,
): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
} {
  if (method === 'GET' || method === 'HEAD')
    return {
      status: 200,
      headers: {
        'Content-Type': 'application/json',
        'Cache-Control': 'public, max-age=3600',
        'X-Content-Type-Options': 'nosniff',
        ...CORS,
      },
      body: method === 'HEAD' ? null : document,
    };
  if (method !== 'OPTIONS') return { status: 405, headers: { Allow: ALLOW, ...CORS }, body: null };
  return {
    status: 204,
    headers: {
      Allow: ALLOW,
      ...CORS,
      'Access-Control-Allow-Methods': ALLOW,
      'Access-Control-Allow-Headers': '*',
      'Access-Control-Max-Age': '3600',
    },
    body: null,
  };
}
