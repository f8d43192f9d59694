/**
 * Clients: registering, changing, finding. How a record is made and changed is in
 * `client-records.ts`, memory in `client-cache.ts`, secrets in `client-secrets.ts`, what may be
 * registered in `client-rules.ts`, and what clients do themselves in `self-registration.ts`.
 */
import { CLIENT_FIELDS, metadataOf } from '../protocol/client-field-definitions.ts';
import type {
  ClientMember,
  ClientMetadata,
  CompleteClientMetadata,
} from '../protocol/client-metadata.ts';
import {
  completeMetadata,
  isPublic,
  type MetadataRules,
  needsSecret,
} from '../protocol/client-metadata-rules.ts';
import { isExpired } from '../store/clients.ts';
import type { Client, Seconds } from '../store/records.ts';
import { createClientCache } from './client-cache.ts';
import {
  type ClientParts,
  changeClient,
  createClient,
  deleteClient,
  deleteExpired,
  isReadable,
  keepUnknown,
  type Registry,
  refuseOtherCredentials,
} from './client-records.ts';
import {
  type ClientChanges,
  ClientMetadataError,
  type KnownClients,
  type ManagedClient,
  type RegisteredClient,
} from './client-registry.ts';
import {
  checked,
  checkScopes,
  type PreparedClient,
  prepareManaged,
  refused,
  requireKey,
  requireVerified,
} from './client-rules.ts';
import { clientSecret, matchingSecret, newClientSecret, withNewSecret } from './client-secrets.ts';
import { createClientUsage } from './client-uses.ts';
import { identifyClient, keepClient } from './described-clients.ts';
import { ownRegistrations } from './self-registration.ts';

export function createClients(parts: ClientParts): KnownClients {
  const { store, rules, now, ages } = parts;
  // A record of an earlier version of this software lacks what came later.
  const completed = (client: Client): Client => ({ ...client, ...completeMetadata(client, rules) });
  const load = async (clientId: string): Promise<Client | null> => {
    const client = await store.find(clientId);
    return client === null || isExpired(client, now()) ? null : completed(client);
  };
  const cache = createClientCache({
    load,
    seconds: parts.cacheSeconds,
    ages,
    isGone: (client) => isExpired(client, now()),
  });
  const registry: Registry = { ...parts, load, cache };
  const usage = createClientUsage({
    store,
    ages,
    lifetime: parts.lifetimes.unusedClient,
    changed: cache.forget,
    report: parts.report,
  });
  return {
    rules,
    find: cache.find,
    findNow: load,
    identify: async (clientId, request) =>
      await identifyClient(registry, parts.sources, clientId, request),
    keep: async (client, events) => await keepClient(registry, client, events),
    lookAgain: cache.lookAgain,
    forget: cache.forget,
    async findEnabled(clientId) {
      const client = await cache.find(clientId);
      return client === null || client.disabledAt !== null ? null : client;
    },
    create: async (metadata, chosen = {}) =>
      await createClient(registry, metadata, chosen, { source: 'manual' }),
    own: (events) => ownRegistrations({ ...registry, events }),
    used: usage.note,
    uses: async (clientId) => await store.uses(clientId),
    async deleteUnused(limit) {
      const ids = await store.expired(now(), limit);
      let deleted = 0;
      // One after the other: requests use the database meanwhile.
      for (const id of ids) if (await deleteExpired(registry, id)) deleted += 1;
      return deleted;
    },
    flush: usage.flush,
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
    delete: async (clientId) => await deleteClient(registry, clientId),
    list: async (page) => (await store.list(page)).map(completed),
  };
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
      const source = 'configuration';
      return (await createClient(registry, metadata, chosen, { source })).client;
    } catch (error) {
      // Another process may have registered it just now.
      if ((await registry.load(clientId)) === null) throw error;
    }
  }
  const changed = await changeClient(
    registry,
    clientId,
    (before) => {
      const secrets =
        secret === null ? [] : secretsWith(registry, before, secret, complete, secretOverlap);
      const metadataNow = keepUnknown(registry.rules, before, complete);
      const after = {
        ...before,
        ...metadataNow,
        secrets,
        registrationSource: 'configuration' as const,
        // One that registered itself before is the operator's now.
        ...(before.expiresAt === undefined || before.expiresAt === null
          ? {}
          : { registrationToken: null, expiresAt: null }),
      };
      return JSON.stringify(after) === JSON.stringify(before) ? null : after;
    },
    'configuration',
  );
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
    matchingSecret({ ...before, secrets: [newest] }, text, registry.now()) !== null &&
    (!readable || newest.sealed !== null);
  return isNewest
    ? before.secrets
    : withNewSecret(before.secrets, clientSecret(registry, text, readable), overlap);
}

async function update(
  registry: Registry,
  clientId: string,
  { disabled, ...metadata }: ClientChanges,
): Promise<Client | null> {
  const { rules, now } = registry;
  const alg = metadata.idTokenSignedResponseAlg;
  if (alg !== undefined && rules.idTokenAlgs.includes(alg)) await requireKey(registry, alg);
  const known = Object.keys(metadata).length === 0 ? null : await registry.load(clientId);
  if (known !== null)
    await requireVerified(
      registry,
      checked(rules, merged(rules, known, metadata)),
      known.registrationSource,
    );
  return await changeClient(
    registry,
    clientId,
    (before) => {
      const since = before.disabledAt ?? now();
      const disabledAt = disabled === undefined ? before.disabledAt : disabled ? since : null;
      const taken = { ...before, disabledAt, ...takenOver(before, metadata, rules) };
      // Switching off must work for a client that could not be registered today.
      if (Object.keys(metadata).length === 0) return taken;
      const complete = keepUnknown(rules, before, checked(rules, merged(rules, before, metadata)));
      checkScopes(registry, metadata, [...(before.scopes ?? []), ...(before.defaultScopes ?? [])]);
      refuseOtherCredentials(rules, before, complete);
      return { ...taken, ...complete };
    },
    'manual',
  );
}

/**
 * A client that operators change is one that they want to keep. Where they change what the client
 * says of itself, it changes that no more: it would undo what they restricted.
 */
function takenOver(
  before: Client,
  { fields, ...members }: Partial<ClientMetadata>,
  rules: MetadataRules,
): Partial<Client> {
  const { expiresAt = null, registrationToken = null, setByOperators = [] } = before;
  const changed = [
    ...Object.keys(members).filter(
      (member) => CLIENT_FIELDS[member as ClientMember].setBy === 'client',
    ),
    ...rules.fields
      .filter(({ wireName, setBy }) => setBy === 'client' && Object.hasOwn(fields ?? {}, wireName))
      .map(({ wireName }) => wireName),
  ];
  const isDescribed = before.registrationSource === 'metadata_document';
  return {
    ...(expiresAt === null ? {} : { expiresAt: null }),
    ...(registrationToken !== null && changed.length > 0 ? { registrationToken: null } : {}),
    ...(isDescribed && changed.length > 0
      ? { setByOperators: [...new Set([...setByOperators, ...changed])] }
      : {}),
  };
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

async function rotateSecret(
  registry: Registry,
  clientId: string,
  overlap: number,
): Promise<RegisteredClient | null> {
  const text = newClientSecret(registry.random);
  const { authMethods } = registry.rules;
  const client = await changeClient(
    registry,
    clientId,
    (before) => {
      if (!needsSecret(authMethods.get(before.tokenEndpointAuthMethod))) return null;
      const added = clientSecret(registry, text, isReadable(registry.rules, before));
      return { ...before, secrets: withNewSecret(before.secrets, added, overlap) };
    },
    'manual',
    'rotated',
  );
  return client === null ? null : { client, clientSecret: text };
}
