/**
 * Clients that nobody registered: their client_id says where they are described. What the
 * description says holds, except for what operators set; the record is stored when a person allows
 * the client something, and follows the description from then on.
 */

import { sha256 } from '../crypto/bytes.ts';
import { CLIENT_FIELDS } from '../protocol/client-field-definitions.ts';
import type { FieldDefinition } from '../protocol/client-fields.ts';
import { originsOf } from '../protocol/client-kinds.ts';
import type { ClientMetadata, CompleteClientMetadata } from '../protocol/client-metadata.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { Client } from '../store/records.ts';
import { changeClient, deleteExpired, keepUnknown, type Registry } from './client-records.ts';
import { type BoundSource, ClientMetadataError, type DescribedClient } from './client-registry.ts';
import { checked, checkScopes, requireKey, requireVerified } from './client-rules.ts';
import { clientCreated } from './event-definitions.ts';
import type { Events } from './events.ts';
import { predecessorEnd } from './former-clients.ts';
import { isSilence, OutboundError } from './outbound.ts';
import type { RequestFacts } from './request-facts.ts';

const SOURCE = 'metadata_document';

/**
 * The client that a request names: registered, or described elsewhere. Null when there is none.
 * @throws OAuthError `invalid_client` when its description is not good, or not to be had
 */
export async function identifyClient(
  registry: Registry,
  sources: readonly BoundSource[],
  clientId: string,
  request: RequestFacts | null,
): Promise<Client | null> {
  const record = await registry.cache.find(clientId);
  if (record !== null && record.registrationSource !== SOURCE) return record;
  const source = sources.find((one) => one.owns(clientId));
  if (source === undefined) return null;
  // Operators switched it off, whatever it says of itself.
  if (record !== null && record.disabledAt !== null) return record;
  const described = await describedBy(source, clientId, request, record !== null);
  // While its host is silent, the client is what it was.
  if (described === null) return record;
  try {
    return record === null
      ? await unsaved(registry, clientId, described)
      : await broughtUpToDate(registry, record, described);
  } catch (error) {
    if (!(error instanceof ClientMetadataError)) throw error;
    throw notDescribed('client_description', error.message);
  }
}

async function describedBy(
  source: BoundSource,
  clientId: string,
  request: RequestFacts | null,
  isKnown: boolean,
): Promise<DescribedClient | null> {
  try {
    return await source.describe(clientId, request, isKnown);
  } catch (error) {
    if (error instanceof ClientMetadataError)
      throw notDescribed('client_description', error.message);
    if (!(error instanceof OutboundError)) throw error;
    if (isKnown && isSilence(error.problem)) return null;
    throw notDescribed('client_description_unavailable', error.message);
  }
}

function notDescribed(
  reason: 'client_description' | 'client_description_unavailable',
  received: string,
): OAuthError {
  const text = 'What the application says about itself cannot be used.';
  const hint = { expected: 'a metadata document at the client_id', received };
  return new OAuthError('invalid_client', reason, text, { status: 400, hint });
}

async function unsaved(
  registry: Registry,
  clientId: string,
  { metadata, describedAt }: DescribedClient,
): Promise<Client> {
  const complete = await accepted(registry, metadata);
  const now = registry.now();
  return {
    ...complete,
    clientId,
    secrets: [],
    registrationSource: SOURCE,
    describedAt,
    registrationToken: null,
    expiresAt: now + registry.lifetimes.newClient,
    disabledAt: null,
    hasPredecessor: false,
    createdAt: now,
    updatedAt: now,
    version: versionOf(complete),
  };
}

async function accepted(
  registry: Registry,
  metadata: ClientMetadata,
): Promise<CompleteClientMetadata> {
  const complete = checked(registry.rules, metadata);
  checkScopes(registry, metadata, []);
  await requireKey(registry, complete.idTokenSignedResponseAlg);
  await requireVerified(registry, complete, 'metadata_document');
  return complete;
}

/** Follows from what is described, so that every node judges by the same version. */
function versionOf(complete: CompleteClientMetadata): number {
  return Buffer.from(sha256(JSON.stringify(complete)), 'base64url').readUInt32BE(0) % 1_000_000_000;
}

/**
 * The record, changed where the description has changed. Nodes read a description at different
 * times: what was read later holds.
 */
async function broughtUpToDate(
  registry: Registry,
  record: Client,
  { metadata, describedAt }: DescribedClient,
): Promise<Client> {
  await accepted(registry, metadata);
  const plan = (before: Client): Client | null => {
    if ((before.describedAt ?? 0) >= describedAt) return null;
    const complete = checked(registry.rules, withOperators(registry, before, metadata));
    const same = { ...before, ...keepUnknown(registry.rules, before, complete) };
    return JSON.stringify(same) === JSON.stringify(before) ? null : { ...same, describedAt };
  };
  // What is in memory tells whether there is anything to change.
  if (plan(record) === null) return record;
  const changed = await changeClient(registry, record.clientId, plan, SOURCE);
  return changed ?? (await registry.load(record.clientId)) ?? record;
}

/** What is described, with what operators set: their fields, and those that they changed. */
function withOperators(
  { rules }: Registry,
  before: Client,
  metadata: ClientMetadata,
): ClientMetadata {
  const { setByOperators = [] } = before;
  const isTheirs = (name: string, { setBy }: FieldDefinition): boolean =>
    name !== 'clientType' && (setBy === 'operator' || setByOperators.includes(name));
  const members = Object.entries(CLIENT_FIELDS)
    .filter(([member, field]) => isTheirs(member, field))
    .map(([member]) => [member, before[member as keyof CompleteClientMetadata]]);
  const fields = rules.fields
    .filter((field) => isTheirs(field.wireName, field))
    .filter(({ wireName }) => Object.hasOwn(before.fields, wireName))
    .map(({ wireName }) => [wireName, before.fields[wireName]]);
  return {
    ...metadata,
    ...Object.fromEntries(members),
    allowedOrigins: originsAfter(before, metadata),
    fields: { ...metadata.fields, ...Object.fromEntries(fields) },
  };
}

/** The origins of its redirect URIs as they are now, and those that operators added. */
function originsAfter(before: Client, { allowedOrigins = [] }: ClientMetadata): readonly string[] {
  const described = originsOf(before.redirectUris);
  const added = before.allowedOrigins.filter((origin) => !described.includes(origin));
  return [...new Set([...allowedOrigins, ...added])];
}

/** Stores a client to which somebody allows something, unless it is stored already. */
export async function keepClient(
  registry: Registry,
  client: Client,
  events: Events,
): Promise<void> {
  const { clientId } = client;
  if (client.registrationSource !== SOURCE || (await registry.cache.find(clientId)) !== null)
    return;
  await deleteExpired(registry, clientId);
  const now = registry.now();
  const end = await predecessorEnd(registry.audit, clientId);
  const record: Client = {
    ...client,
    expiresAt: now + registry.lifetimes.newClient,
    hasPredecessor: end !== null,
    // What it asked for before it was stored is its own, from the end of the one before.
    createdAt: end === null ? now : Math.min(end + 1, now),
    updatedAt: now,
  };
  await events.act(
    clientCreated,
    { clientId, detail: { by: SOURCE } },
    async (row) => await registry.store.insert(record, row),
  );
  registry.cache.forget(clientId);
}
