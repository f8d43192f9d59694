/**
 * The parts of the memory store whose records are consumed at most once: codes, tokens and one-time
 * records. The other parts are in `memory.ts`.
 */
import type { Issue, IssueOutcome, StoredConsumption } from './issue.ts';
import {
  consumeCodes,
  consumeOneTime,
  isAuthorized,
  isProven,
  type MemoryTables,
  oneTimeKey,
  recordAct,
  removeWhere,
  revokeFamilies,
  tellOfEnd,
  versionOf,
} from './memory-tables.ts';
import type { ActRow, Family } from './records.ts';
import type { CodeStore, FoundAccessToken, OneTimeStore, TokenStore } from './store.ts';

export function codeStore(tables: MemoryTables): CodeStore {
  const { codes } = tables;
  return {
    async insert(code, { clientVersion, session, consumes }) {
      if (codes.has(code.digest)) return 'exists';
      if (versionOf(tables, code.clientId) !== clientVersion) return 'client_changed';
      if (tables.sessions.get(session)?.sid !== code.sid) return 'session_ended';
      if (consumes !== null && !consumeOneTime(tables, consumes, code.createdAt)) return 'consumed';
      codes.set(code.digest, code);
      return 'stored';
    },
    async find(digest) {
      const code = codes.get(digest);
      if (code === undefined) return null;
      return {
        code,
        authorized: isAuthorized(tables, code.authorizationId),
      };
    },
    async countFailure(digest) {
      const code = codes.get(digest);
      if (code !== undefined)
        codes.set(digest, { ...code, failedAttempts: code.failedAttempts + 1 });
    },
  };
}

function revokeFamily(
  tables: MemoryTables,
  id: string,
  now: number,
  audit: ActRow,
  clientId?: string,
): boolean {
  const isMeant = (family: Family): boolean =>
    family.id === id && (clientId === undefined || family.clientId === clientId);
  const revoked = revokeFamilies(tables, now, isMeant) === 1;
  if (revoked) recordAct(tables, audit);
  return revoked;
}

export function tokenStore(tables: MemoryTables): TokenStore {
  const { families, accessTokens, idTokens } = tables;
  return {
    issue: async (issue, now) => issueTokens(tables, issue, now),
    async findFamily(id) {
      const family = families.get(id);
      if (family === undefined) return null;
      return {
        family,
        authorized: isAuthorized(tables, family.authorizationId),
        clientVersion: versionOf(tables, family.clientId),
      };
    },
    async findAccessToken(digest) {
      const token = accessTokens.get(digest);
      if (token === undefined) return null;
      const family = token.familyId === null ? null : families.get(token.familyId);
      const familyLives = family !== undefined && family?.revokedAt == null;
      const authorized = isAuthorized(tables, token.authorizationId);
      return {
        token,
        live: familyLives && authorized && versionOf(tables, token.clientId) !== null,
        login: family == null ? null : loginOf(family),
      };
    },
    revokeFamily: async (id, now, audit, clientId) =>
      revokeFamily(tables, id, now, audit, clientId),
    async revokeAccessToken(digest, clientId, now, audit) {
      const token = accessTokens.get(digest);
      if (token?.clientId !== clientId) return false;
      if (token.familyId !== null && families.get(token.familyId)?.clientId === clientId)
        return revokeFamily(tables, token.familyId, now, audit, clientId);
      recordAct(tables, audit);
      return accessTokens.delete(digest);
    },
    async revokeSubject(sub, now, audit) {
      tables.revocations += 1;
      const time = Math.max(now, tables.revokedSubjects.get(sub)?.time ?? now);
      tables.revokedSubjects.set(sub, { time, number: tables.revocations });
      const sessions = [...tables.sessions.values()].filter((session) => session.sub === sub);
      removeWhere(tables.sessions, (session) => session.sub === sub);
      consumeCodes(tables, now, (code) => code.sub === sub);
      for (const { sid } of sessions) tellOfEnd(tables, sid, now);
      recordAct(tables, audit);
      const families = revokeFamilies(tables, now, (family) => family.sub === sub);
      return { families, sessions };
    },
    revocations: async () => tables.revocations,
    findIdToken: async (jti) => idTokens.get(jti) ?? null,
  };
}

function issueTokens(tables: MemoryTables, issue: Issue, now: number): IssueOutcome {
  const { clientId, clientVersion, consumption, subject, family, accessToken, idToken } = issue;
  if (versionOf(tables, clientId) !== clientVersion) return 'client_changed';
  if (subject !== null && !isProven(tables, subject.sub, subject)) return 'subject_revoked';
  if (consumption !== null && !consume(tables, consumption, family, now)) return 'consumed';
  if (family !== null) tables.families.set(family.id, family);
  if (accessToken !== null) tables.accessTokens.set(accessToken.digest, accessToken);
  if (idToken !== null) tables.idTokens.set(idToken.jti, idToken);
  return 'fresh';
}

/** True if this call consumed it. */
function consume(
  tables: MemoryTables,
  consumption: StoredConsumption,
  begun: Family | null,
  now: number,
): boolean {
  switch (consumption.kind) {
    case 'code': {
      const code = tables.codes.get(consumption.digest);
      if (code === undefined || code.consumedAt !== null || code.expiresAt <= now) return false;
      const familyId = begun?.id ?? null;
      tables.codes.set(code.digest, { ...code, consumedAt: now, familyId });
      return true;
    }
    case 'refresh_token': {
      const { presented, refreshExpiresAt, successor } = consumption;
      const family = usableFamily(tables, consumption.familyId, presented, now);
      if (family === null) return false;
      const rotated =
        successor === null
          ? {}
          : {
              refreshDigest: successor.digest,
              previousDigest: presented,
              sealedSuccessor: successor.sealed,
              details: successor.details ?? family.details,
              rotatedAt: now,
            };
      tables.families.set(family.id, { ...family, ...rotated, refreshExpiresAt });
      return true;
    }
    case 'one_time_record':
      return consumeOneTime(tables, consumption.record, now);
  }
}

/** The family, if `presented` is its live refresh token and is still usable; else null. */
function usableFamily(
  tables: MemoryTables,
  id: string,
  presented: string,
  now: number,
): Family | null {
  const family = tables.families.get(id);
  if (family === undefined || family.refreshDigest !== presented || family.revokedAt !== null)
    return null;
  const idle = family.refreshExpiresAt === null || family.refreshExpiresAt <= now;
  if (idle || family.expiresAt <= now) return null;
  return isAuthorized(tables, family.authorizationId) ? family : null;
}

/** How the subject of a family was signed in. */
function loginOf({ authTime, amr, acr }: Family): FoundAccessToken['login'] {
  return { authTime, amr, acr };
}

export function oneTimeStore(tables: MemoryTables): OneTimeStore {
  const { oneTime, oneTimeBySecondKey } = tables;
  return {
    async put(record) {
      const key = oneTimeKey(record.kind, record.digest);
      const second = record.secondKey === null ? null : oneTimeKey(record.kind, record.secondKey);
      if (oneTime.has(key) || (second !== null && oneTimeBySecondKey.has(second))) return false;
      oneTime.set(key, record);
      if (second !== null) oneTimeBySecondKey.set(second, key);
      return true;
    },
    async find(lookup) {
      const key =
        'digest' in lookup
          ? oneTimeKey(lookup.kind, lookup.digest)
          : oneTimeBySecondKey.get(oneTimeKey(lookup.kind, lookup.secondKey));
      return key === undefined ? null : (oneTime.get(key) ?? null);
    },
    async swap({ kind, digest, version, payload, expiresAt }) {
      const key = oneTimeKey(kind, digest);
      const before = oneTime.get(key);
      if (before === undefined || before.version !== version - 1) return false;
      if (before.consumedAt !== null) return false;
      oneTime.set(key, { ...before, version, payload, expiresAt });
      return true;
    },
    consume: async (key, now) => consumeOneTime(tables, key, now),
  };
}
