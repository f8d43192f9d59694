/**
 * Clients that register themselves, and change their registration (RFC 7591, RFC 7592). What they
 * may be registered as is decided by who calls this; what every client must meet is checked here as
 * well.
 */
import { sha256 } from '../crypto/bytes.ts';
import type { ClientMetadata } from '../protocol/client-metadata.ts';
import type { Client, Digest } from '../store/records.ts';
import {
  changeClient,
  createClient,
  deleteClient,
  keepUnknown,
  type Registry,
  refuseOtherCredentials,
  registerWithToken,
} from './client-records.ts';
import {
  ClientMetadataError,
  type OwnCredentials,
  type OwnRegistrations,
  type RegisteredClient,
} from './client-registry.ts';
import { checked, checkScopes, refused, requireKey, requireVerified } from './client-rules.ts';

/** What clients do, with the events of the request by which they do it. */
export function ownRegistrations(registry: Registry): OwnRegistrations {
  return {
    register: async (metadata, credentials) => await registerOne(registry, metadata, credentials),
    registerShared: async (metadata, beforeNew) =>
      await registerShared(registry, metadata, beforeNew),
    replace: async (judged, metadata, token) =>
      await replaceRegistration(registry, judged, metadata, token),
    delete: async ({ clientId, version }) => await deleteClient(registry, clientId, version),
  };
}

/** @returns null when the initial access token cannot be used. @throws ClientMetadataError */
async function registerOne(
  registry: Registry,
  metadata: ClientMetadata,
  { initialAccessToken: token, registrationToken }: OwnCredentials,
): Promise<RegisteredClient | null> {
  const expiresAt = registry.now() + registry.lifetimes.newClient;
  const registration = { registrationToken, expiresAt };
  return token === null
    ? await createClient(registry, metadata, {}, { source: 'open', ...registration })
    : await registerWithToken(registry, metadata, token, { source: 'dynamic', ...registration });
}

/**
 * Registers a public client that nobody owns: all who ask for the same metadata share one, whose
 * client_id follows from the metadata. It has neither a secret nor a token to manage it.
 * @param beforeNew called before one is made that is not there yet
 * @throws ClientMetadataError, also when operators disabled it
 */
async function registerShared(
  registry: Registry,
  metadata: ClientMetadata,
  beforeNew: () => Promise<void>,
): Promise<RegisteredClient> {
  const complete = checked(registry.rules, metadata);
  const clientId = sha256(`shared client\n${JSON.stringify(complete)}`);
  const known = async (): Promise<RegisteredClient | null> => {
    const client = await registry.load(clientId);
    if (client === null) return null;
    if (client.disabledAt === null) {
      await lastAWhile(registry, client);
      return { client, clientSecret: null };
    }
    throw refused('name', 'and all other metadata are those of an application that is disabled');
  };
  const before = await known();
  if (before !== null) return before;
  await beforeNew();
  const expiresAt = registry.now() + registry.lifetimes.newClient;
  try {
    const registration = { source: 'open', expiresAt } as const;
    return await createClient(registry, metadata, { clientId }, registration);
  } catch (error) {
    if (!(error instanceof ClientMetadataError)) throw error;
    // Somebody else may have registered the same just now.
    const now = await known();
    if (now !== null) return now;
    throw error;
  }
}

/** A shared client lives for another first lifetime when less than half of it is left. */
async function lastAWhile(
  { store, cache, now, lifetimes }: Registry,
  { clientId, expiresAt = null }: Client,
): Promise<void> {
  const end = now() + lifetimes.newClient;
  if (expiresAt === null || expiresAt - now() > lifetimes.newClient / 2) return;
  await store.used(clientId, { at: null, secret: null, expiresAt: end });
  cache.forget(clientId);
}

/**
 * Replaces the metadata of a client, and the token by which it manages itself. Null when the client
 * is no longer as it was judged: disabled, changed or deleted meanwhile.
 * @throws ClientMetadataError
 */
async function replaceRegistration(
  registry: Registry,
  judged: Client,
  metadata: ClientMetadata,
  registrationToken: Digest,
): Promise<Client | null> {
  const { rules } = registry;
  const complete = keepUnknown(rules, judged, checked(rules, metadata));
  const held = [...(judged.scopes ?? []), ...(judged.defaultScopes ?? [])];
  checkScopes(registry, metadata, held);
  await requireVerified(registry, complete, judged.registrationSource);
  refuseOtherCredentials(rules, judged, complete);
  const alg = complete.idTokenSignedResponseAlg;
  if (alg !== judged.idTokenSignedResponseAlg) await requireKey(registry, alg);
  return await changeClient(
    registry,
    judged.clientId,
    (before) =>
      before.version === judged.version ? { ...before, ...complete, registrationToken } : null,
    'itself',
  );
}
