/**
 * The record of a client: how it is made, and how it is changed. Every change is a compare and swap
 * with its audit row, so that two administrators do not undo each other.
 */

import { base64url, type Random } from '../crypto/handles.ts';
import type { Vault } from '../crypto/vault.ts';
import { CLIENT_FIELDS } from '../protocol/client-field-definitions.ts';
import type {
  ClientMember,
  ClientMetadata,
  CompleteClientMetadata,
} from '../protocol/client-metadata.ts';
import { type MetadataRules, needsSecret } from '../protocol/client-metadata-rules.ts';
import type { ClientStore } from '../store/clients.ts';
import type { ActRow, Client, Digest, Seconds } from '../store/records.ts';
import type { AuditStore } from '../store/store.ts';
import type { ClientCache } from './client-cache.ts';
import type {
  BoundSource,
  ChosenCredentials,
  ClientMetadataError,
  RegisteredClient,
} from './client-registry.ts';
import {
  checkClientId,
  checked,
  checkScopes,
  checkSecret,
  type RegistrationRules,
  refused,
  requireKey,
  requireVerified,
} from './client-rules.ts';
import { clientSecret, newClientSecret } from './client-secrets.ts';
import type { EventDetail } from './event-definition.ts';
import { clientCreated, clientDeleted, clientUpdated } from './event-definitions.ts';
import type { Events } from './events.ts';
import { hadPredecessor } from './former-clients.ts';
import type { Ages } from './freshness.ts';
import { signedBySecret } from './sealing.ts';
import type { Lifetimes } from './settings.ts';

/** What keeping clients needs. */
export interface ClientParts extends RegistrationRules {
  readonly store: ClientStore;
  readonly audit: AuditStore;
  readonly vault: Vault;
  readonly events: Events;
  readonly cacheSeconds: number;
  readonly ages: Ages;
  readonly lifetimes: Pick<Lifetimes, 'newClient' | 'unusedClient'>;
  /** Told when a use of a client could not be noted. */
  readonly report: (error: unknown) => void;
  /** Where clients are described that nobody registered. */
  readonly sources: readonly BoundSource[];
  /** True when an account has this subject identifier. */
  readonly isSubject: (text: string) => Promise<boolean>;
  readonly random: Random;
}

/** Attempts of a change while others change the same client. */
const MOST_ATTEMPTS = 10;

/** The same, with what is in memory. */
export interface Registry extends ClientParts {
  readonly cache: ClientCache;
  readonly load: (clientId: string) => Promise<Client | null>;
}

/** How a client comes to be registered. */
export interface Registration {
  /** Who registers it. */
  readonly source: Client['registrationSource'];
  /** Digest of the token by which it manages itself; null: it cannot. */
  readonly registrationToken?: Digest | null;
  /** The end of the client, unless it is used before; null: it stays. */
  readonly expiresAt?: Seconds | null;
}

/** Registers a client. @throws ClientMetadataError */
export async function createClient(
  registry: Registry,
  metadata: ClientMetadata,
  chosen: ChosenCredentials,
  registration: Registration,
): Promise<RegisteredClient> {
  const { store } = registry;
  const made = await newClient(registry, metadata, chosen, registration);
  const { client } = made;
  if (!(await told(registry, client, async (row) => await store.insert(client, row))))
    throw taken(client.clientId);
  return made;
}

/**
 * Registers a client and takes one use of an initial access token in the same step. Null when the
 * token cannot be used.
 * @throws ClientMetadataError
 */
export async function registerWithToken(
  registry: Registry,
  metadata: ClientMetadata,
  token: Digest,
  registration: Registration,
): Promise<RegisteredClient | null> {
  const { store, now } = registry;
  const made = await newClient(registry, metadata, {}, registration);
  const { client } = made;
  const register = async (row: ActRow): Promise<boolean> =>
    await store.register(client, token, now(), row);
  return (await told(registry, client, register)) ? made : null;
}

/** Stores a new client with the row of the audit log that tells of it. */
async function told(
  { events, cache }: Registry,
  { clientId, registrationSource: by }: Client,
  insert: (row: ActRow) => Promise<boolean>,
): Promise<boolean> {
  const stored = await events.act(clientCreated, { clientId, detail: { by } }, insert);
  if (stored) cache.forget(clientId);
  return stored;
}

async function newClient(
  registry: Registry,
  metadata: ClientMetadata,
  chosen: ChosenCredentials,
  registration: Registration,
): Promise<RegisteredClient> {
  const { rules, random, now } = registry;
  const { source, registrationToken = null, expiresAt = null } = registration;
  const complete = checked(rules, metadata);
  checkScopes(registry, metadata, []);
  await requireVerified(registry, complete, source);
  const clientId = chosen.clientId ?? base64url(random(16));
  const hasPredecessor =
    chosen.clientId === undefined ? false : await checkChosenId(registry, clientId);
  const usesSecret = needsSecret(rules.authMethods.get(complete.tokenEndpointAuthMethod));
  const secret = usesSecret ? (chosen.clientSecret ?? newClientSecret(random)) : null;
  if (secret !== null) checkSecret(secret);
  const alg = complete.idTokenSignedResponseAlg;
  if (complete.responseTypes.length > 0 && source !== 'configuration')
    await requireKey(registry, alg);
  const client: Client = {
    ...complete,
    clientId,
    secrets: secret === null ? [] : [clientSecret(registry, secret, isReadable(rules, complete))],
    registrationSource: source,
    registrationToken,
    expiresAt,
    disabledAt: null,
    hasPredecessor,
    createdAt: now(),
    updatedAt: now(),
    version: firstVersion(random),
  };
  return { client, clientSecret: secret };
}

/** A client_id that somebody chose can be used. @returns whether another client had it before */
async function checkChosenId(registry: Registry, clientId: string): Promise<boolean> {
  checkClientId(clientId);
  // RFC 9700 §4.15: a token of the client must not be taken for one of a person.
  if (await registry.isSubject(clientId))
    throw refused('clientId', `${clientId} is the subject of an account; choose another`);
  await deleteExpired(registry, clientId);
  // A client that is there yet, and deleted in between, would leave no trace of itself.
  if ((await registry.store.find(clientId)) !== null) throw taken(clientId);
  return await hadPredecessor(registry.audit, clientId);
}

/**
 * Deletes a client and everything issued to it. False when there was none.
 * @param version deletes it only if it still has this version
 */
export async function deleteClient(
  { store, events, cache }: Registry,
  clientId: string,
  version?: number,
): Promise<boolean> {
  const only = version === undefined ? {} : { version };
  try {
    return await events.act(
      clientDeleted,
      { clientId },
      async (row) => await store.delete(clientId, row, only),
    );
  } finally {
    cache.forget(clientId);
  }
}

/** Deletes a client that nobody used until its end. False when it is not over, or is unknown. */
export async function deleteExpired(
  { store, events, cache, now }: Registry,
  clientId: string,
): Promise<boolean> {
  const deleted = await events.act(
    clientDeleted,
    { clientId, reason: 'unused' },
    async (row) => await store.delete(clientId, row, { expiredBy: now() }),
  );
  if (deleted) cache.forget(clientId);
  return deleted;
}

function taken(clientId: string): ClientMetadataError {
  return refused('clientId', `${clientId} is taken; choose another, or change that application`);
}

/** True where the secret is a key: it is kept sealed then, as well as its digest. */
export function isReadable(
  { authMethods }: MetadataRules,
  client: CompleteClientMetadata,
): boolean {
  return (
    signedBySecret(client).length > 0 ||
    authMethods.get(client.tokenEndpointAuthMethod) === 'readable_secret'
  );
}

/** Arbitrary, so that a client that is registered anew is not taken for the one before. */
function firstVersion(random: Random): number {
  return random(4).reduce((sum, byte) => sum * 256 + byte, 0) % 1_000_000_000;
}

/** Metadata with the fields of features that this process does not have, as they are. */
export function keepUnknown(
  { fields }: MetadataRules,
  before: Client,
  after: CompleteClientMetadata,
): CompleteClientMetadata {
  const known = new Set(fields.map(({ wireName }) => wireName));
  const unknown = Object.entries(before.fields).filter(([wireName]) => !known.has(wireName));
  return { ...after, fields: { ...Object.fromEntries(unknown), ...after.fields } };
}

/** @throws ClientMetadataError where another method, or a readable secret, would be needed */
export function refuseOtherCredentials(
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
  const [field] = signedBySecret(after);
  throw refused(
    field ?? 'tokenEndpointAuthMethod',
    `${field === undefined ? after.tokenEndpointAuthMethod : 'HS256'} needs a secret that is kept readable from the start: register a new client with it`,
  );
}

/** What differs, by the names that operators know. */
function changedFields(before: Client, after: Client): readonly string[] {
  const differs = (one: unknown, other: unknown): boolean =>
    JSON.stringify(one) !== JSON.stringify(other);
  const members = Object.keys({ ...before, ...after }) as (keyof Client)[];
  const names = members
    .filter((member) => differs(before[member], after[member]))
    .flatMap((member) => {
      if (member !== 'fields') return nameOfMember(member);
      const names = Object.keys({ ...before.fields, ...after.fields });
      return names.filter((name) => differs(before.fields[name], after.fields[name]));
    });
  return [...new Set(names)].sort();
}

function nameOfMember(member: keyof Client): string {
  if (Object.hasOwn(CLIENT_FIELDS, member)) return CLIENT_FIELDS[member as ClientMember].wireName;
  return member === 'secrets' ? member : member === 'disabledAt' ? 'disabled' : 'registration';
}

/** Changes a client, again when another change came in between. Null without a client or a plan. */
export async function changeClient(
  { load, store, events, cache, now }: Registry,
  clientId: string,
  plan: (before: Client) => Client | null,
  by: EventDetail<typeof clientUpdated>['by'],
  secret: 'rotated' | null = null,
): Promise<Client | null> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const before = await load(clientId);
    const planned = before === null ? null : plan(before);
    if (before === null || planned === null) return null;
    const changed = changedFields(before, planned).join(' ');
    const client = { ...planned, updatedAt: now(), version: before.version + 1 };
    try {
      const replaced = await events.act(
        clientUpdated,
        { clientId, detail: { by, secret, changed, disabled: client.disabledAt !== null } },
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
