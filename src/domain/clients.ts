/**
 * Clients: registering, changing, finding. Every change is a compare and swap with its audit row,
 * so that two administrators do not undo each other. Memory is `client-cache.ts`, secrets are
 * `client-secrets.ts`, and what may be registered is in `client-rules.ts`.
 */
import { base64url, type Random } from '../crypto/handles.ts';
import type { Vault } from '../crypto/vault.ts';
import {
  type ClientMetadata,
  type CompleteClientMetadata,
  metadataOf,
} from '../protocol/client-metadata.ts';
import {
  completeMetadata,
  isPublic,
  type MetadataRules,
  needsSecret,
} from '../protocol/client-metadata-rules.ts';
import type { AuditEvent, Client, Seconds } from '../store/records.ts';
import type { AuditStore, ClientStore } from '../store/store.ts';
import { type ClientCache, createClientCache } from './client-cache.ts';
import {
  type ChosenCredentials,
  type ClientChanges,
  ClientMetadataError,
  type KnownClients,
  type ManagedClient,
  type RegisteredClient,
} from './client-registry.ts';
import {
  checkClientId,
  checked,
  checkScopes,
  checkSecret,
  type PreparedClient,
  prepareManaged,
  type RegistrationRules,
  refused,
  requireKey,
} from './client-rules.ts';
import { clientSecret, newClientSecret, secretMatches, withNewSecret } from './client-secrets.ts';
import type { Events } from './events.ts';
import { hadPredecessor } from './former-clients.ts';
import type { Ages } from './freshness.ts';

interface Parts extends RegistrationRules {
  readonly store: ClientStore;
  readonly audit: AuditStore;
  readonly vault: Vault;
  readonly events: Events;
  readonly cacheSeconds: number;
  readonly ages: Ages;
  /** True when an account has this subject identifier. */
  readonly isSubject: (text: string) => Promise<boolean>;
  readonly random: Random;
}

/** Attempts of a change while others change the same client. */
const MOST_ATTEMPTS = 10;

export function createClients(parts: Parts): KnownClients {
  const { store, rules } = parts;
  // A record of an earlier version of this software lacks what came later.
  const completed = (client: Client): Client => ({ ...client, ...completeMetadata(client, rules) });
  const load = async (clientId: string): Promise<Client | null> => {
    const client = await store.find(clientId);
    return client === null ? null : completed(client);
  };
  const cache = createClientCache({ load, seconds: parts.cacheSeconds, ages: parts.ages });
  const registry: Registry = { ...parts, load, cache };
  return {
    find: cache.find,
    lookAgain: cache.lookAgain,
    forget: cache.forget,
    async findEnabled(clientId) {
      const client = await cache.find(clientId);
      return client === null || client.disabledAt !== null ? null : client;
    },
    create: async (metadata, chosen = {}) => await create(registry, metadata, chosen),
    ensure: async (client) => await ensure(registry, client),
    problemsOf(client) {
      try {
        prepareManaged(registry, client);
        return [];
      } catch (error) {
        if (error instanceof ClientMetadataError) return error.problems;
        throw error;
      }
    },
    update: async (clientId, changes) => await update(registry, clientId, changes),
    rotateSecret: async (clientId, overlap) => await rotateSecret(registry, clientId, overlap),
    async delete(clientId) {
      try {
        return await parts.events.act(
          'client.deleted',
          { clientId },
          async (row) => await store.delete(clientId, row),
        );
      } finally {
        cache.forget(clientId);
      }
    },
    list: async (page) => (await store.list(page)).map(completed),
  };
}

interface Registry extends Parts {
  readonly cache: ClientCache;
  readonly load: (clientId: string) => Promise<Client | null>;
}

async function create(
  registry: Registry,
  metadata: ClientMetadata,
  chosen: ChosenCredentials,
  registrationSource: Client['registrationSource'] = 'manual',
): Promise<RegisteredClient> {
  const { rules, random, now, store, events } = registry;
  const complete = checked(rules, metadata);
  checkScopes(registry, metadata, []);
  const clientId = chosen.clientId ?? base64url(random(16));
  checkClientId(clientId);
  // RFC 9700 §4.15: a token of the client must not be taken for one of a person.
  if (chosen.clientId !== undefined && (await registry.isSubject(clientId)))
    throw refused('clientId', `${clientId} is the subject of an account; choose another`);
  // A client that is there yet, and deleted in between, would leave no trace of itself.
  if (chosen.clientId !== undefined && (await store.find(clientId)) !== null) throw taken(clientId);
  const hasPredecessor =
    chosen.clientId !== undefined && (await hadPredecessor(registry.audit, clientId));
  const usesSecret = needsSecret(rules.authMethods.get(complete.tokenEndpointAuthMethod));
  const secret = usesSecret ? (chosen.clientSecret ?? newClientSecret(random)) : null;
  if (secret !== null) checkSecret(secret);
  const alg = complete.idTokenSignedResponseAlg;
  if (complete.responseTypes.length > 0 && registrationSource === 'manual')
    await requireKey(registry, alg);
  const client: Client = {
    ...complete,
    clientId,
    secrets: secret === null ? [] : [clientSecret(registry, secret, isReadable(rules, complete))],
    registrationSource,
    disabledAt: null,
    hasPredecessor,
    createdAt: now(),
    updatedAt: now(),
    version: firstVersion(random),
  };
  const inserted = await events.act(
    'client.created',
    { clientId },
    async (row) => await store.insert(client, row),
  );
  if (!inserted) throw taken(clientId);
  registry.cache.forget(clientId);
  return { client, clientSecret: secret };
}

function taken(clientId: string): ClientMetadataError {
  return refused('clientId', `${clientId} is taken; choose another, or change that application`);
}

async function ensure(registry: Registry, managed: ManagedClient): Promise<Client> {
  const { clientId } = managed;
  try {
    return await bringUpToDate(registry, clientId, prepareManaged(registry, managed));
  } catch (error) {
    throw error instanceof ClientMetadataError
      ? new ClientMetadataError(error.problems, clientId)
      : error;
  }
}

async function bringUpToDate(
  registry: Registry,
  clientId: string,
  { metadata, complete, secret, secretOverlap }: PreparedClient,
): Promise<Client> {
  // A key that is published and signs later stops no start.
  const alg = complete.idTokenSignedResponseAlg;
  if (complete.responseTypes.length > 0 && alg !== 'HS256') await registry.provideKey(alg);
  if ((await registry.load(clientId)) === null) {
    const chosen = { clientId, ...(secret === null ? {} : { clientSecret: secret }) };
    try {
      return (await create(registry, metadata, chosen, 'configuration')).client;
    } catch (error) {
      // Another process may have registered it just now.
      if ((await registry.load(clientId)) === null) throw error;
    }
  }
  const changed = await change(registry, clientId, (before) => {
    const secrets =
      secret === null ? [] : secretsWith(registry, before, secret, complete, secretOverlap);
    const metadataNow = keepUnknown(registry.rules, before, complete);
    const after = {
      ...before,
      ...metadataNow,
      secrets,
      registrationSource: 'configuration' as const,
    };
    return JSON.stringify(after) === JSON.stringify(before) ? null : after;
  });
  const client = changed ?? (await registry.load(clientId));
  if (client === null) throw refused('clientId', 'was deleted at the same time');
  return client;
}

/** The secrets of a client with this one among them, readable where its algorithm needs that. */
function secretsWith(
  registry: Registry,
  before: Client,
  text: string,
  after: CompleteClientMetadata,
  overlap: Seconds,
): Client['secrets'] {
  const [newest] = before.secrets;
  const readable = isReadable(registry.rules, after);
  const isNewest =
    newest !== undefined &&
    secretMatches({ ...before, secrets: [newest] }, text, registry.now()) &&
    (!readable || newest.sealed !== null);
  return isNewest
    ? before.secrets
    : withNewSecret(before.secrets, clientSecret(registry, text, readable), overlap);
}

/** True where the secret is a key: it is kept sealed then, as well as its digest. */
function isReadable({ authMethods }: MetadataRules, client: CompleteClientMetadata): boolean {
  return (
    client.idTokenSignedResponseAlg === 'HS256' ||
    authMethods.get(client.tokenEndpointAuthMethod) === 'readable_secret'
  );
}

/** Arbitrary, so that a client that is registered anew is not taken for the one before. */
function firstVersion(random: Random): number {
  return random(4).reduce((sum, byte) => sum * 256 + byte, 0) % 1_000_000_000;
}

async function update(
  registry: Registry,
  clientId: string,
  { disabled, ...metadata }: ClientChanges,
): Promise<Client | null> {
  const { rules, now } = registry;
  const alg = metadata.idTokenSignedResponseAlg;
  if (alg !== undefined && rules.idTokenAlgs.includes(alg)) await requireKey(registry, alg);
  return await change(registry, clientId, (before) => {
    const since = before.disabledAt ?? now();
    const disabledAt = disabled === undefined ? before.disabledAt : disabled ? since : null;
    // Switching off must work for a client that could not be registered today.
    if (Object.keys(metadata).length === 0) return { ...before, disabledAt };
    const complete = keepUnknown(rules, before, checked(rules, merged(rules, before, metadata)));
    checkScopes(registry, metadata, [...(before.scopes ?? []), ...(before.defaultScopes ?? [])]);
    refuseOtherCredentials(rules, before, complete);
    return { ...before, ...complete, disabledAt };
  });
}

/**
 * The registered metadata with changes. Fields of features that this process does not have stay as
 * they are (`keepUnknown`): another process may have them.
 */
function merged(
  rules: MetadataRules,
  before: Client,
  changes: Partial<ClientMetadata>,
): ClientMetadata {
  const known = rules.fields.filter(({ wireName }) => Object.hasOwn(before.fields, wireName));
  const kept = known.map(({ wireName }) => [wireName, before.fields[wireName]]);
  const fields = { ...Object.fromEntries(kept), ...changes.fields };
  const { tokenEndpointAuthMethod, ...rest } = metadataOf(before);
  const { clientType } = changes;
  // Another client type comes with another method, so the one before says nothing.
  const switches = clientType !== undefined && (clientType === 'public') !== isPublic(before);
  const method =
    switches || tokenEndpointAuthMethod === undefined ? {} : { tokenEndpointAuthMethod };
  return { ...rest, ...method, ...changes, fields };
}

function keepUnknown(
  { fields }: MetadataRules,
  before: Client,
  after: CompleteClientMetadata,
): CompleteClientMetadata {
  const known = new Set(fields.map(({ wireName }) => wireName));
  const unknown = Object.entries(before.fields).filter(([wireName]) => !known.has(wireName));
  return { ...after, fields: { ...Object.fromEntries(unknown), ...after.fields } };
}

/** @throws ClientMetadataError where another method, or a readable secret, would be needed */
function refuseOtherCredentials(
  rules: MetadataRules,
  before: Client,
  after: CompleteClientMetadata,
): void {
  const { authMethods } = rules;
  const needs = ({ tokenEndpointAuthMethod: method }: CompleteClientMetadata) =>
    authMethods.get(method);
  const bothSecret = needsSecret(needs(before)) && needsSecret(needs(after));
  if (needs(before) !== needs(after) && !bothSecret)
    throw refused('clientType', 'needs other credentials: register a new client');
  if (!isReadable(rules, after) || before.secrets.every((secret) => secret.sealed !== null)) return;
  const isAlg = after.idTokenSignedResponseAlg === 'HS256';
  throw refused(
    isAlg ? 'idTokenSignedResponseAlg' : 'tokenEndpointAuthMethod',
    `${isAlg ? 'HS256' : after.tokenEndpointAuthMethod} needs a secret that is kept readable from the start: register a new client with it`,
  );
}

async function rotateSecret(
  registry: Registry,
  clientId: string,
  overlap: number,
): Promise<RegisteredClient | null> {
  const text = newClientSecret(registry.random);
  const { authMethods } = registry.rules;
  const client = await change(
    registry,
    clientId,
    (before) => {
      if (!needsSecret(authMethods.get(before.tokenEndpointAuthMethod))) return null;
      const added = clientSecret(registry, text, isReadable(registry.rules, before));
      return { ...before, secrets: withNewSecret(before.secrets, added, overlap) };
    },
    { secret: 'rotated' },
  );
  return client === null ? null : { client, clientSecret: text };
}

/** Changes a client, again when another change came in between. Null without a client or a plan. */
async function change(
  { load, store, events, cache, now }: Registry,
  clientId: string,
  plan: (before: Client) => Client | null,
  detail: AuditEvent['detail'] = {},
): Promise<Client | null> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const before = await load(clientId);
    const planned = before === null ? null : plan(before);
    if (before === null || planned === null) return null;
    const client = { ...planned, updatedAt: now(), version: before.version + 1 };
    try {
      const replaced = await events.act(
        'client.updated',
        { clientId, detail },
        async (row) => await store.replace(client, row),
      );
      if (replaced) return client;
    } finally {
      // Also when no answer came: the change may have been stored.
      cache.forget(clientId);
    }
  }
  throw new Error(`The client ${clientId} kept changing while it was being changed.`);
}
