/**
 * Secrets of clients: made with 256 bits and kept as digests. Where the secret is a key, for ID
 * tokens by HS256 and for `client_secret_jwt`, it is also kept sealed.
 */
import { equalSecrets, sha256 } from '../crypto/bytes.ts';
import { base64url, newHandle, type Random } from '../crypto/handles.ts';
import type { Vault } from '../crypto/vault.ts';
import type { Client, ClientSecret, Seconds } from '../store/records.ts';

/** Characters of a secret that somebody chose. */
export const SHORTEST_SECRET = 32;

const PURPOSE = 'client secret';

/** What making secrets needs. */
export interface SecretParts {
  readonly vault: Vault;
  readonly random: Random;
  readonly now: () => Seconds;
}

/** A new secret in clear. */
export function newClientSecret(random: Random): string {
  return newHandle('clientSecret', random);
}

/** The record of a secret. @param isReadable it is a key: it signs, or verifies what is signed */
export function clientSecret(
  { vault, random, now }: SecretParts,
  text: string,
  isReadable: boolean,
): ClientSecret {
  return {
    id: base64url(random(9)),
    digest: sha256(text),
    sealed: isReadable ? vault.seal(PURPOSE, text) : null,
    createdAt: now(),
    expiresAt: null,
  };
}

/** The secrets of a client after a new one was made: the others end after `overlap` seconds. */
export function withNewSecret(
  secrets: readonly ClientSecret[],
  added: ClientSecret,
  overlap: number,
): readonly ClientSecret[] {
  const now = added.createdAt;
  const end = now + overlap;
  const kept = secrets
    .filter((secret) => overlap > 0 && isAlive(secret, now))
    .map((secret) => ({ ...secret, expiresAt: Math.min(secret.expiresAt ?? end, end) }));
  return [added, ...kept];
}

function isAlive({ expiresAt }: ClientSecret, now: Seconds): boolean {
  return expiresAt === null || expiresAt > now;
}

/**
 * The id of the unexpired secret of a client that was presented; null when it is none of them.
 * Takes the same time for every wrong secret.
 */
export function matchingSecret(client: Client, presented: string, now: Seconds): string | null {
  const digest = sha256(presented);
  let id: string | null = null;
  for (const secret of client.secrets)
    if (equalSecrets(secret.digest, digest) && isAlive(secret, now)) id = secret.id;
  return id;
}

/** A secret that can be read. */
export interface ReadableSecret {
  readonly id: string;
  readonly text: string;
}

/** The readable secrets of a client that are alive, the one that signs first. */
export function readableSecrets(
  client: Client,
  vault: Vault,
  now: Seconds,
): readonly ReadableSecret[] {
  return client.secrets.flatMap((secret) => {
    if (secret.sealed === null || !isAlive(secret, now)) return [];
    const text = vault.open(PURPOSE, secret.sealed);
    return text === null ? [] : [{ id: secret.id, text }];
  });
}
