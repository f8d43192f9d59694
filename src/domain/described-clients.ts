/**
 * Clients that nobody registered: their client_id says where they are described. What the
 * description says holds, except for what operators set; the record is stored when a person allows
 * the client something, and follows the description from then on.
 */
import { sha256 } from '../crypto/bytes.ts';
import { CLIENT_FIELDS } from '../protocol/client-field-definitions.ts';
import type { ClientMetadata, CompleteClientMetadata } from '../protocol/client-metadata.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { Client } from '../store/records.ts';
import { changeClient, deleteExpired, keepUnknown, type Registry } from './client-records.ts';
import { type BoundSource, ClientMetadataError } from './client-registry.ts';
import { checked, checkScopes, requireKey } from './client-rules.ts';
import type { Events } from './events.ts';
import { hadPredecessor } from './former-clients.ts';
import { OutboundError } from './outbound.ts';
import type { RequestFacts } from './request-facts.ts';

const SOURCE = 'metadata_document';
/** The host does not answer, which says nothing about the client. */
const SILENT = ['unreachable', 'timeout', 'busy'];

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
  const metadata = await describedBy(source, clientId, request, record !== null);
  // While its host is silent, the client is what it was.
  if (metadata === null) return record;
  try {
    return record === null
      ? await unsaved(registry, clientId, metadata)
      : await broughtUpToDate(registry, record, metadata);
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
): Promise<ClientMetadata | null> {
  try {
    return await source.describe(clientId, request);
  } catch (error) {
    if (error instanceof ClientMetadataError)
      throw notDescribed('client_description', error.message);
    if (!(error instanceof OutboundError)) throw error;
    if (isKnown && SILENT.includes(error.problem)) return null;
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
  metadata: ClientMetadata,
): Promise<Client> {
  const complete = await accepted(registry, metadata);
  const now = registry.now();
  return {
    ...complete,
    clientId,
    secrets: [],
    registrationSource: SOURCE,
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
  return complete;
}

/** Follows from what is described, so that every node judges by the same version. */
function versionOf(complete: CompleteClientMetadata): number {
  return Buffer.from(sha256(JSON.stringify(complete)), 'base64url').readUInt32BE(0) % 1_000_000_000;
}

/** The record, changed where the description has changed. What operators set stays. */
async function broughtUpToDate(
  registry: Registry,
  record: Client,
  metadata: ClientMetadata,
): Promise<Client> {
  const ofOperators = Object.entries(CLIENT_FIELDS)
    .filter(([, { setBy }]) => setBy === 'operator')
    .filter(([member]) => member !== 'clientType')
    .map(([member]) => [member, record[member as keyof CompleteClientMetadata]]);
  const origins = [...record.allowedOrigins, ...(metadata.allowedOrigins ?? [])];
  const whole = {
    ...metadata,
    ...Object.fromEntries(ofOperators),
    allowedOrigins: [...new Set(origins)],
  };
  const complete = keepUnknown(registry.rules, record, await accepted(registry, whole));
  const changed = await changeClient(
    registry,
    record.clientId,
    (before) => {
      const after = { ...before, ...complete };
      return JSON.stringify(after) === JSON.stringify(before) ? null : after;
    },
    { by: SOURCE },
  );
  return changed ?? record;
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
  const record: Client = {
    ...client,
    expiresAt: now + registry.lifetimes.newClient,
    hasPredecessor: await hadPredecessor(registry.audit, clientId),
    createdAt: now,
    updatedAt: now,
  };
  await events.act(
    'client.created',
    { clientId, detail: { by: SOURCE } },
    async (row) => await registry.store.insert(record, row),
  );
  registry.cache.forget(clientId);
}
