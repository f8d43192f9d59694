/**
 * A client ID metadata document: which client_ids are addresses of one, and what one may say
 * (draft-ietf-oauth-client-id-metadata-document-02, here CIMD).
 */
import { ClientMetadataError } from '../../domain/client-registry.ts';
import type { Context } from '../../domain/context.ts';
import { limited, type RegistrationLimits } from '../../domain/registration-policy.ts';
import type { ClientMetadata } from '../../protocol/client-metadata.ts';
import { type MetadataProblem, needsSecret } from '../../protocol/client-metadata-rules.ts';
import { readSent, type WireMetadata } from '../../protocol/registration-metadata.ts';

/** Characters of a client_id, as many as its column holds. */
const LONGEST = 255;

/**
 * What is wrong with a client_id that is an address, as a phrase that continues "the address";
 * null when nothing is.
 */
export function addressProblem(clientId: string): string | null {
  if (clientId.length > LONGEST) return `has more than ${LONGEST} characters`;
  if (!URL.canParse(clientId)) return 'is no URL';
  const { href, pathname, hash, username, password } = new URL(clientId);
  // CIMD §3: no fragment, no user information, and a path.
  if (hash !== '' || clientId.endsWith('#')) return 'has a fragment';
  if (username !== '' || password !== '') return 'has user information';
  if (pathname === '/') return 'has no path';
  // CIMD §3: no dot segments. Another spelling of one address would be another client.
  if (href !== clientId) return `is not in its normal form, ${href}`;
  return null;
}

/**
 * The metadata that a document describes.
 * @throws ClientMetadataError
 */
export function metadataIn(
  ctx: Context,
  clientId: string,
  document: unknown,
  limits: RegistrationLimits,
): ClientMetadata {
  const sent = objectOf(document);
  const problems = [...ownProblems(clientId, sent)];
  const { metadata: asked, problems: unreadable } = readSent(
    withOwnLinks(clientId, sent),
    ctx.clients.rules.fields,
  );
  const method = asked.tokenEndpointAuthMethod ?? 'none';
  // CIMD §4.1: no method that needs a shared secret, for there is nobody to share it with.
  const needs = ctx.clients.rules.authMethods.get(method);
  if (needs === undefined || needsSecret(needs))
    problems.push(problem('token_endpoint_auth_method', 'must be one without a secret'));
  refuseAll([...problems, ...unreadable]);
  const described = { ...asked, tokenEndpointAuthMethod: method };
  const { metadata, problems: beyond } = limited(ctx, described, limits, null);
  refuseAll(beyond);
  return metadata;
}

function objectOf(document: unknown): WireMetadata {
  if (typeof document === 'object' && document !== null && !Array.isArray(document))
    return document as WireMetadata;
  throw new ClientMetadataError([problem('the document', 'is no JSON object')]);
}

function* ownProblems(clientId: string, sent: WireMetadata): Generator<MetadataProblem> {
  // CIMD §4: the client_id in the document is its address, compared as a string.
  if (sent['client_id'] !== clientId)
    yield problem('client_id', 'is not the address of the document');
  // CIMD §4.1: no secret stands in a document that everybody can read.
  for (const member of ['client_secret', 'client_secret_expires_at'])
    if (sent[member] !== undefined) yield problem(member, 'must not stand in a document');
}

const LINKS = ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri'];

/** Links and pictures of another origin are left out: they would say that it is somebody else. */
function withOwnLinks(clientId: string, sent: WireMetadata): WireMetadata {
  const { origin } = new URL(clientId);
  const isForeign = ([member, value]: readonly [string, unknown]): boolean =>
    LINKS.includes(member) &&
    typeof value === 'string' &&
    !(URL.canParse(value) && new URL(value).origin === origin);
  return Object.fromEntries(Object.entries(sent).filter((entry) => !isForeign(entry)));
}

function refuseAll(problems: readonly MetadataProblem[]): void {
  if (problems.length > 0) throw new ClientMetadataError(problems);
}

function problem(field: string, text: string): MetadataProblem {
  return { field, code: 'invalid_client_metadata', problem: text };
}
