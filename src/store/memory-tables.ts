/**
 * The maps behind the memory store, and the changes that several of its parts make to them. The
 * methods of the store port are in `memory.ts` and `memory-tokens.ts`.
 */
import type { ClientUses } from './clients.ts';
import type { Delivery, DeliveryKey } from './deliveries.ts';
import type {
  AccessToken,
  ActRow,
  AuditEvent,
  Authorization,
  Client,
  Code,
  Family,
  IdTokenRecord,
  InitialAccessToken,
  KeySet,
  OneTimeKey,
  OneTimeRecord,
  Session,
} from './records.ts';
import type { StoredResource } from './resources.ts';
import type { LoginProof } from './store.ts';

/** All records of one issuer. */
export interface MemoryTables {
  readonly clients: Map<string, Client>;
  readonly clientUses: Map<string, ClientUses>;
  /** By digest. */
  readonly initialAccessTokens: Map<string, InitialAccessToken>;
  readonly resources: Map<string, StoredResource>;
  readonly sessions: Map<string, Session>;
  /** Clients of sessions, by `pairKey` of sid and client. */
  readonly sessionClients: Map<string, SessionClient>;
  /** By kind, `about` and client. */
  readonly deliveries: Map<string, Delivery>;
  /** The last revocation of a subject (`tokens.revokeSubject`), by subject. */
  readonly revokedSubjects: Map<string, Revocation>;
  readonly authorizations: Map<string, Authorization>;
  /** Ids of authorizations, by `pairKey`. */
  readonly authorizationIds: Map<string, string>;
  readonly codes: Map<string, Code>;
  readonly families: Map<string, Family>;
  readonly accessTokens: Map<string, AccessToken>;
  readonly idTokens: Map<string, IdTokenRecord>;
  /** One-time records, by `oneTimeKey` of the digest. */
  readonly oneTime: Map<string, OneTimeRecord>;
  /** Keys of `oneTime`, by `oneTimeKey` of the second key. */
  readonly oneTimeBySecondKey: Map<string, string>;
  readonly counters: Map<string, Counter>;
  readonly audit: Map<string, AuditEvent>;
  keySet: KeySet | null;
  /** How many revocations of subjects there were. */
  revocations: number;
}

/** A client that takes part in a session. */
export interface SessionClient {
  readonly sid: string;
  readonly sub: string;
  readonly clientId: string;
  readonly wantsDelivery: boolean;
  readonly expiresAt: number;
}

/** The last revocation of a subject. */
interface Revocation {
  /** When, in seconds. */
  readonly time: number;
  /** Which one of all. */
  readonly number: number;
}

/** A counter of calls, or of attempts. */
export interface Counter {
  /** Calls; or wrong attempts and places together. */
  readonly count: number;
  readonly wrong: number;
  readonly resetAt: number;
  /** When the last place was taken. */
  readonly placedAt: number;
}

export function memoryTables(): MemoryTables {
  return {
    clients: new Map(),
    clientUses: new Map(),
    initialAccessTokens: new Map(),
    resources: new Map(),
    sessions: new Map(),
    sessionClients: new Map(),
    deliveries: new Map(),
    revokedSubjects: new Map(),
    revocations: 0,
    authorizations: new Map(),
    authorizationIds: new Map(),
    codes: new Map(),
    families: new Map(),
    accessTokens: new Map(),
    idTokens: new Map(),
    oneTime: new Map(),
    oneTimeBySecondKey: new Map(),
    counters: new Map(),
    audit: new Map(),
    keySet: null,
  };
}

/** The key of a subject and a client in `authorizationIds`. */
export function pairKey(sub: string, clientId: string): string {
  return JSON.stringify([sub, clientId]);
}

/** Makes the deliveries that tell of the end of a session. */
export function tellOfEnd(tables: MemoryTables, sid: string, now: number): void {
  for (const [key, joined] of tables.sessionClients) {
    if (joined.sid !== sid) continue;
    tables.sessionClients.delete(key);
    const { clientId, sub } = joined;
    const delivery = { kind: 'session_ended', about: sid, clientId };
    if (!joined.wantsDelivery || tables.deliveries.has(deliveryKey(delivery))) continue;
    const times = { createdAt: now, dueAt: now, attempts: 0 };
    tables.deliveries.set(deliveryKey(delivery), { ...delivery, sub, ...times });
  }
}

/** The key of a delivery. */
export function deliveryKey({ kind, about, clientId }: DeliveryKey): string {
  return JSON.stringify([kind, about, clientId]);
}

/** The key of a one-time record: its kind, then one of its digests. */
export function oneTimeKey(kind: string, digest: string): string {
  return JSON.stringify([kind, digest]);
}

/** Stores the audit row of an act that happened. */
export function recordAct(tables: MemoryTables, audit: ActRow): void {
  if (audit !== null) tables.audit.set(audit.id, audit);
}

/** True if no authorization is needed (`null`), or if the authorization still exists. */
export function isAuthorized(tables: MemoryTables, authorizationId: string | null): boolean {
  return authorizationId === null || tables.authorizations.has(authorizationId);
}

/** The version of a client; null when it is disabled or not registered. */
export function versionOf(tables: MemoryTables, clientId: string): number | null {
  const client = tables.clients.get(clientId);
  return client?.disabledAt === null ? client.version : null;
}

/** False if the subject was revoked after the proof. */
export function isProven(tables: MemoryTables, sub: string, proof: LoginProof): boolean {
  const last = tables.revokedSubjects.get(sub);
  if (last === undefined) return true;
  const { revocations, time } = proof;
  return revocations === null ? last.time <= time : last.number <= revocations;
}

/** Deletes an authorization and its entry in `authorizationIds`. */
export function deleteAuthorization(tables: MemoryTables, row: Authorization): void {
  tables.authorizations.delete(row.id);
  tables.authorizationIds.delete(pairKey(row.sub, row.clientId));
}

/** Consumes the unconsumed codes that match. */
export function consumeCodes(
  tables: MemoryTables,
  now: number,
  matches: (code: Code) => boolean,
): void {
  for (const [digest, code] of tables.codes) {
    if (code.consumedAt === null && matches(code))
      tables.codes.set(digest, { ...code, consumedAt: now });
  }
}

/** Revokes the unrevoked families that match. Returns how many it revoked. */
export function revokeFamilies(
  tables: MemoryTables,
  now: number,
  matches: (family: Family) => boolean,
): number {
  let revoked = 0;
  for (const [id, family] of tables.families) {
    if (family.revokedAt !== null || !matches(family)) continue;
    tables.families.set(id, { ...family, revokedAt: now });
    revoked += 1;
  }
  return revoked;
}

/**
 * Consumes a one-time record if it still has the judged version, is not consumed and is not
 * expired. True if it did.
 */
export function consumeOneTime(
  tables: MemoryTables,
  { kind, digest, version }: OneTimeKey,
  now: number,
): boolean {
  const key = oneTimeKey(kind, digest);
  const record = tables.oneTime.get(key);
  if (record === undefined || record.version !== version) return false;
  if (record.consumedAt !== null || record.expiresAt <= now) return false;
  tables.oneTime.set(key, { ...record, consumedAt: now });
  return true;
}

/** Deletes at most `most` rows that match. Returns how many it deleted. */
export function removeWhere<Row>(
  table: Map<string, Row>,
  matches: (row: Row) => boolean,
  most: number = Number.POSITIVE_INFINITY,
): number {
  let removed = 0;
  for (const [key, row] of table) {
    if (removed >= most) break;
    if (matches(row) && table.delete(key)) removed += 1;
  }
  return removed;
}
