/**
 * The tables as Kysely sees them, and how records become rows. Narrow typed columns; lists of words are text separated by spaces; JSON only
 * where rows are cold (clients, key set, audit detail). Every row begins with its tenant.
 */
import type {
  AccessToken,
  Authorization,
  Code,
  Entitlement,
  Family,
  IdTokenRecord,
  Session,
} from 'valetkey';

interface TenantRow {
  /** First 11 characters of the issuer's SHA-256 in base64url. */
  tenant: string;
}

export interface IssuerRow extends TenantRow {
  issuer: string;
  created_at: number;
}

export interface ClientRow extends TenantRow {
  client_id: string;
  owner: string | null;
  /** Compared when the record is replaced. */
  version: number;
  /** The whole record as JSON: clients are read rarely and kept in memory. */
  data: string;
}

export interface SessionRow extends TenantRow {
  handle: string;
  sid: string;
  sub: string;
  auth_time: number;
  amr: string;
  acr: string | null;
  created_at: number;
  seen_at: number;
  expires_at: number;
}

export interface SubjectRow extends TenantRow {
  sub: string;
  /** When everything of the subject was last revoked; 0: never. The row is also the lock between a login and a revocation. */
  revoked_at: number;
}

export interface AuthorizationRow extends TenantRow {
  id: string;
  sub: string;
  client_id: string;
  scopes: string;
  created_at: number;
  updated_at: number;
}

interface EntitlementColumns {
  client_id: string;
  sub: string;
  authorization_id: string | null;
  sid: string | null;
  scopes: string;
  auth_time: number | null;
  amr: string;
  acr: string | null;
}

export interface CodeRow extends TenantRow, EntitlementColumns {
  digest: string;
  redirect_uri: string | null;
  code_challenge: string | null;
  nonce: string | null;
  created_at: number;
  expires_at: number;
  failed_attempts: number;
  redeemed_at: number | null;
  family_id: string | null;
}

export interface FamilyRow extends TenantRow, EntitlementColumns {
  id: string;
  /** 1 when the scopes hold `offline_access`: such a family outlives its session. */
  offline: number;
  created_at: number;
  refresh_digest: string | null;
  refresh_expires_at: number | null;
  previous_digest: string | null;
  sealed_successor: string | null;
  rotated_at: number | null;
  expires_at: number;
  revoked_at: number | null;
}

export interface AccessTokenRow extends TenantRow {
  digest: string;
  family_id: string | null;
  authorization_id: string | null;
  client_id: string;
  sub: string | null;
  sid: string | null;
  scopes: string;
  issued_at: number;
  expires_at: number;
}

export interface IdTokenRow extends TenantRow {
  jti: string;
  sub: string;
  client_id: string;
  scopes: string;
  sid: string | null;
  access_token_digest: string | null;
  issued_at: number;
  expires_at: number;
}

export interface KeySetRow extends TenantRow {
  version: number;
  keys: string;
}

export interface InteractionRow extends TenantRow {
  handle: string;
  sealed: string;
  expires_at: number;
}

export interface CounterRow extends TenantRow {
  name: string;
  count: number;
  reset_at: number;
}

export interface AuditRow extends TenantRow {
  id: string;
  at: number;
  type: string;
  sub: string | null;
  client_id: string | null;
  ip: string | null;
  reason: string | null;
  detail: string;
}

export interface MigrationRow {
  name: string;
  applied_at: number;
}

/** All tables of the store. Their names in the database begin with the configured prefix. */
export interface Tables {
  issuers: IssuerRow;
  clients: ClientRow;
  sessions: SessionRow;
  subjects: SubjectRow;
  authorizations: AuthorizationRow;
  codes: CodeRow;
  families: FamilyRow;
  access_tokens: AccessTokenRow;
  id_tokens: IdTokenRow;
  key_sets: KeySetRow;
  interactions: InteractionRow;
  counters: CounterRow;
  audit: AuditRow;
  migrations: MigrationRow;
}

const words = (text: string): readonly string[] => (text === '' ? [] : text.split(' '));
const joined = (list: readonly string[]): string => list.join(' ');

function entitlementColumns(facts: Entitlement): EntitlementColumns {
  return {
    client_id: facts.clientId,
    sub: facts.sub,
    authorization_id: facts.authorizationId,
    sid: facts.sid,
    scopes: joined(facts.scopes),
    auth_time: facts.authTime,
    amr: joined(facts.amr),
    acr: facts.acr,
  };
}

function entitlementOf(row: EntitlementColumns): Entitlement {
  return {
    clientId: row.client_id,
    sub: row.sub,
    authorizationId: row.authorization_id,
    sid: row.sid,
    scopes: words(row.scopes),
    authTime: row.auth_time,
    amr: words(row.amr),
    acr: row.acr,
  };
}

export function sessionRow(tenant: string, session: Session): SessionRow {
  const { handle, sid, sub, acr } = session;
  return {
    tenant,
    handle,
    sid,
    sub,
    auth_time: session.authTime,
    amr: joined(session.amr),
    acr,
    created_at: session.createdAt,
    seen_at: session.seenAt,
    expires_at: session.expiresAt,
  };
}

export function sessionOf(row: SessionRow): Session {
  return {
    handle: row.handle,
    sid: row.sid,
    sub: row.sub,
    authTime: row.auth_time,
    amr: words(row.amr),
    acr: row.acr,
    createdAt: row.created_at,
    seenAt: row.seen_at,
    expiresAt: row.expires_at,
  };
}

export function authorizationRow(tenant: string, record: Authorization): AuthorizationRow {
  const { id, sub, clientId, scopes, createdAt, updatedAt } = record;
  return {
    tenant,
    id,
    sub,
    client_id: clientId,
    scopes: joined(scopes),
    created_at: createdAt,
    updated_at: updatedAt,
  };
}

export function authorizationOf(row: AuthorizationRow): Authorization {
  return {
    id: row.id,
    sub: row.sub,
    clientId: row.client_id,
    scopes: words(row.scopes),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function codeRow(tenant: string, code: Code): CodeRow {
  return {
    tenant,
    digest: code.digest,
    ...entitlementColumns(code),
    redirect_uri: code.redirectUri,
    code_challenge: code.codeChallenge,
    nonce: code.nonce,
    created_at: code.createdAt,
    expires_at: code.expiresAt,
    failed_attempts: code.failedAttempts,
    redeemed_at: code.redeemedAt,
    family_id: code.familyId,
  };
}

export function codeOf(row: CodeRow): Code {
  return {
    ...entitlementOf(row),
    digest: row.digest,
    redirectUri: row.redirect_uri,
    codeChallenge: row.code_challenge,
    nonce: row.nonce,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    failedAttempts: row.failed_attempts,
    redeemedAt: row.redeemed_at,
    familyId: row.family_id,
  };
}

export function familyRow(tenant: string, family: Family): FamilyRow {
  return {
    tenant,
    id: family.id,
    ...entitlementColumns(family),
    offline: family.scopes.includes('offline_access') ? 1 : 0,
    created_at: family.createdAt,
    refresh_digest: family.refreshDigest,
    refresh_expires_at: family.refreshExpiresAt,
    previous_digest: family.previousDigest,
    sealed_successor: family.sealedSuccessor,
    rotated_at: family.rotatedAt,
    expires_at: family.expiresAt,
    revoked_at: family.revokedAt,
  };
}

export function familyOf(row: FamilyRow): Family {
  return {
    ...entitlementOf(row),
    id: row.id,
    createdAt: row.created_at,
    refreshDigest: row.refresh_digest,
    refreshExpiresAt: row.refresh_expires_at,
    previousDigest: row.previous_digest,
    sealedSuccessor: row.sealed_successor,
    rotatedAt: row.rotated_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}

export function accessTokenRow(tenant: string, token: AccessToken): AccessTokenRow {
  return {
    tenant,
    digest: token.digest,
    family_id: token.familyId,
    authorization_id: token.authorizationId,
    client_id: token.clientId,
    sub: token.sub,
    sid: token.sid,
    scopes: joined(token.scopes),
    issued_at: token.issuedAt,
    expires_at: token.expiresAt,
  };
}

export function accessTokenOf(row: AccessTokenRow): AccessToken {
  return {
    digest: row.digest,
    familyId: row.family_id,
    authorizationId: row.authorization_id,
    clientId: row.client_id,
    sub: row.sub,
    sid: row.sid,
    scopes: words(row.scopes),
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
  };
}

export function idTokenRow(tenant: string, token: IdTokenRecord): IdTokenRow {
  return {
    tenant,
    jti: token.jti,
    sub: token.sub,
    client_id: token.clientId,
    scopes: joined(token.scopes),
    sid: token.sid,
    access_token_digest: token.accessTokenDigest,
    issued_at: token.issuedAt,
    expires_at: token.expiresAt,
  };
}

export function idTokenOf(row: IdTokenRow): IdTokenRecord {
  return {
    jti: row.jti,
    sub: row.sub,
    clientId: row.client_id,
    scopes: words(row.scopes),
    sid: row.sid,
    accessTokenDigest: row.access_token_digest,
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
  };
}
