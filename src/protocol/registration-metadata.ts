/**
 * Client metadata as it travels: the JSON that a client sends when it registers itself (RFC 7591
 * §2), and the JSON that it gets. Only fields that a client may set are read; all others are
 * ignored, so that nobody gives themselves what is the operator's to give.
 */
import { CLIENT_FIELDS } from './client-field-definitions.ts';
import { type FeatureField, type FieldDefinition, kindProblem } from './client-fields.ts';
import type { ClientMember, ClientMetadata, CompleteClientMetadata } from './client-metadata.ts';
import type { MetadataProblem } from './client-metadata-rules.ts';
import { formatScope } from './scope.ts';

/** JSON members by their wire names. */
export type WireMetadata = Readonly<Record<string, unknown>>;

/** What a client asks to be registered as. */
export interface SentMetadata {
  /** The members that were sent, without those that are the operator's. */
  readonly metadata: Partial<ClientMetadata>;
  /** Everything that cannot be read. */
  readonly problems: readonly MetadataProblem[];
}

const MEMBERS = Object.entries(CLIENT_FIELDS) as readonly (readonly [
  ClientMember,
  FieldDefinition,
])[];

/**
 * Protection that a client may ask for and that is not offered here: to ignore it would give the
 * client less than it believes to have.
 */
const NOT_IGNORED: readonly (readonly [wireName: string, harmless: readonly unknown[]])[] = [
  ['subject_type', ['public']],
  ['sector_identifier_uri', []],
  ['id_token_encrypted_response_alg', []],
  ['userinfo_signed_response_alg', ['none']],
  ['userinfo_encrypted_response_alg', []],
  ['introspection_signed_response_alg', []],
  ['introspection_encrypted_response_alg', []],
  ['authorization_signed_response_alg', []],
  ['authorization_encrypted_response_alg', []],
  ['require_signed_request_object', [false]],
  ['tls_client_certificate_bound_access_tokens', [false]],
  ['dpop_bound_access_tokens', [false]],
  ['require_pushed_authorization_requests', [false]],
];

/** Reads what a client sent. RFC 7592 §2.2: null is the same as a member that is left out. */
export function readSent(sent: WireMetadata, fields: readonly FeatureField[]): SentMetadata {
  const problems: MetadataProblem[] = [];
  const read = (field: FieldDefinition): unknown => {
    const { wireName, kind } = field;
    const value = Object.hasOwn(sent, wireName) ? sent[wireName] : undefined;
    if (field.setBy !== 'client' || value === undefined || value === null) return undefined;
    // RFC 7591 §2: scope is one string with spaces between the values.
    const isScope = wireName === CLIENT_FIELDS.scopes.wireName;
    const problem =
      kindProblem(value, isScope ? { ...field, kind: 'text' } : field) ??
      // A character that databases refuse.
      (JSON.stringify(value).includes('\\u0000') ? 'has a zero character' : null);
    if (problem !== null) problems.push(refused(wireName, problem));
    if (problem !== null) return undefined;
    if (isScope)
      return unique(
        String(value)
          .split(' ')
          .filter((name) => name !== ''),
      );
    return kind === 'texts' ? unique(value as readonly string[]) : value;
  };
  const named = MEMBERS.map(([member, field]) => [member, read(field)] as const);
  const added = fields.map((field) => [field.wireName, read(field)] as const);
  const known = new Set([...MEMBERS.map(([, field]) => field), ...fields].map((f) => f.wireName));
  for (const [wireName, harmless] of NOT_IGNORED) {
    const value = sent[wireName] ?? undefined;
    if (value === undefined || known.has(wireName) || harmless.includes(value)) continue;
    problems.push(refused(wireName, 'is not offered here'));
  }
  const metadata = { ...given(named), ...ofFeatures(given(added)) };
  return { metadata: metadata as Partial<ClientMetadata>, problems };
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}

function given(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function ofFeatures(fields: Record<string, unknown>): Partial<ClientMetadata> {
  return Object.keys(fields).length === 0 ? {} : { fields };
}

function refused(field: string, problem: string): MetadataProblem {
  return { field, code: 'invalid_client_metadata', problem };
}

/**
 * The metadata of a client that replaces its registration by what it sends now (RFC 7592 §2.2):
 * what it leaves out has its default, except for fields that are the operator's or that protect it.
 */
export function replacedBy(
  before: CompleteClientMetadata,
  sent: Partial<ClientMetadata>,
  fields: readonly FeatureField[],
): ClientMetadata {
  const stays = (field: FieldDefinition): boolean =>
    field.setBy === 'operator' || field.protects === true;
  const kept = MEMBERS.filter(([member, field]) => member !== 'clientType' && stays(field)).map(
    ([member]) => [member, before[member as keyof CompleteClientMetadata]],
  );
  const keptFields = fields
    .filter((field) => stays(field) && Object.hasOwn(before.fields, field.wireName))
    .map(({ wireName }) => [wireName, before.fields[wireName]]);
  return {
    name: before.name,
    ...Object.fromEntries(kept),
    ...withoutOther(sent, 'jwks', 'jwksUri'),
    ...withoutOther(sent, 'jwksUri', 'jwks'),
    ...sent,
    fields: { ...Object.fromEntries(keptFields), ...sent.fields },
  };
}

/** Keys that come in one form replace those in the other. */
function withoutOther(
  sent: Partial<ClientMetadata>,
  given: 'jwks' | 'jwksUri',
  other: 'jwks' | 'jwksUri',
): Partial<ClientMetadata> {
  return sent[given] === undefined ? {} : { [other]: null };
}

/** What a client is registered as, for itself: the fields that it may set, as JSON. */
export function registeredAs(
  client: CompleteClientMetadata,
  fields: readonly FeatureField[],
): Record<string, unknown> {
  const own = MEMBERS.filter(([, { setBy }]) => setBy === 'client').map(
    ([member, { wireName }]) => [wireName, client[member as keyof CompleteClientMetadata]] as const,
  );
  const added = fields
    .filter(({ setBy, wireName }) => setBy === 'client' && Object.hasOwn(client.fields, wireName))
    .map(({ wireName }) => [wireName, client.fields[wireName]] as const);
  const { scopes, tokenEndpointAuthMethod: method } = client;
  return {
    ...Object.fromEntries([...own, ...added].filter(([, value]) => wantsDelivery(value))),
    ...(scopes === null ? {} : { [CLIENT_FIELDS.scopes.wireName]: formatScope(scopes) }),
    // A name of ours that allows two methods of RFC 7591 §2; the first of them is its default.
    ...(method === 'client_secret' ? { token_endpoint_auth_method: 'client_secret_basic' } : {}),
  };
}

/** RFC 7591 §3.2.1: what is registered is told; what has no value is not. */
function wantsDelivery(value: unknown): boolean {
  return value !== null && value !== false && !(Array.isArray(value) && value.length === 0);
}
