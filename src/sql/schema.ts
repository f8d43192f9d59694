/**
 * The tables, and how records become rows. One list of columns per record serves every statement.
 * Columns are narrow and typed. A list of words is text separated by spaces. Only values that are
 * read rarely or are mostly empty are JSON: clients, key set, audit detail, details. The first
 * column of every row is its tenant. Creating the tables is left to `migrations/`.
 */
import type {
  AccessToken,
  AuditEvent,
  Authorization,
  Code,
  Delivery,
  Entitlement,
  Family,
  IdTokenRecord,
  InitialAccessToken,
  OneTimeRecord,
  Session,
  StoredResource,
} from 'valetkey';

export type Value = string | number | null;
export type Row = Readonly<Record<string, Value>>;

/** All tables of the store. In the database their names begin with the configured prefix. */
export interface Tables {
  issuers: Row;
  clients: Row;
  client_uses: Row;
  initial_access_tokens: Row;
  resources: Row;
  sessions: Row;
  session_clients: Row;
  deliveries: Row;
  subjects: Row;
  authorizations: Row;
  codes: Row;
  families: Row;
  access_tokens: Row;
  id_tokens: Row;
  one_time_records: Row;
  key_sets: Row;
  counters: Row;
  audit: Row;
  migrations: Row;
}

/**
 * How a value is stored in its column. `json` and `object` are both JSON text, but `json` stores an
 * empty object as null.
 */
type Kind = 'text' | 'number' | 'words' | 'json' | 'object';

/** The column for each member of a record. */
export type Columns<T> = { readonly [Member in keyof T]-?: readonly [column: string, kind: Kind] };

/** How a subject was signed in. */
export const LOGIN: Columns<Pick<Entitlement, 'authTime' | 'amr' | 'acr'>> = {
  authTime: ['auth_time', 'number'],
  amr: ['amr', 'words'],
  acr: ['acr', 'text'],
};

const ENTITLEMENT: Columns<Entitlement> = {
  clientId: ['client_id', 'text'],
  sub: ['sub', 'text'],
  authorizationId: ['authorization_id', 'text'],
  sid: ['sid', 'text'],
  scopes: ['scopes', 'words'],
  ...LOGIN,
  details: ['details', 'json'],
};

export const SESSION: Columns<Session> = {
  handle: ['handle', 'text'],
  sid: ['sid', 'text'],
  sub: ['sub', 'text'],
  authTime: ['auth_time', 'number'],
  amr: ['amr', 'words'],
  acr: ['acr', 'text'],
  createdAt: ['created_at', 'number'],
  seenAt: ['seen_at', 'number'],
  expiresAt: ['expires_at', 'number'],
};

export const AUTHORIZATION: Columns<Authorization> = {
  id: ['id', 'text'],
  sub: ['sub', 'text'],
  clientId: ['client_id', 'text'],
  scopes: ['scopes', 'words'],
  createdAt: ['created_at', 'number'],
  updatedAt: ['updated_at', 'number'],
};

export const CODE: Columns<Code> = {
  digest: ['digest', 'text'],
  ...ENTITLEMENT,
  redirectUri: ['redirect_uri', 'text'],
  codeChallenge: ['code_challenge', 'text'],
  nonce: ['nonce', 'text'],
  createdAt: ['created_at', 'number'],
  expiresAt: ['expires_at', 'number'],
  failedAttempts: ['failed_attempts', 'number'],
  consumedAt: ['consumed_at', 'number'],
  familyId: ['family_id', 'text'],
};

export const FAMILY: Columns<Family> = {
  id: ['id', 'text'],
  ...ENTITLEMENT,
  createdAt: ['created_at', 'number'],
  refreshDigest: ['refresh_digest', 'text'],
  refreshExpiresAt: ['refresh_expires_at', 'number'],
  previousDigest: ['previous_digest', 'text'],
  sealedSuccessor: ['sealed_successor', 'text'],
  rotatedAt: ['rotated_at', 'number'],
  expiresAt: ['expires_at', 'number'],
  revokedAt: ['revoked_at', 'number'],
};

export const ACCESS_TOKEN: Columns<AccessToken> = {
  digest: ['digest', 'text'],
  familyId: ['family_id', 'text'],
  authorizationId: ['authorization_id', 'text'],
  clientId: ['client_id', 'text'],
  sub: ['sub', 'text'],
  sid: ['sid', 'text'],
  scopes: ['scopes', 'words'],
  details: ['details', 'json'],
  issuedAt: ['issued_at', 'number'],
  expiresAt: ['expires_at', 'number'],
};

export const ID_TOKEN: Columns<IdTokenRecord> = {
  jti: ['jti', 'text'],
  sub: ['sub', 'text'],
  clientId: ['client_id', 'text'],
  scopes: ['scopes', 'words'],
  sid: ['sid', 'text'],
  accessTokenDigest: ['access_token_digest', 'text'],
  issuedAt: ['issued_at', 'number'],
  expiresAt: ['expires_at', 'number'],
};

export const ONE_TIME_RECORD: Columns<OneTimeRecord> = {
  kind: ['kind', 'text'],
  digest: ['digest', 'text'],
  secondKey: ['second_key', 'text'],
  payload: ['payload', 'text'],
  version: ['version', 'number'],
  consumedAt: ['consumed_at', 'number'],
  expiresAt: ['expires_at', 'number'],
};

export const INITIAL_ACCESS_TOKEN: Columns<InitialAccessToken> = {
  id: ['id', 'text'],
  digest: ['digest', 'text'],
  name: ['name', 'text'],
  usesLeft: ['uses_left', 'number'],
  createdAt: ['created_at', 'number'],
  expiresAt: ['expires_at', 'number'],
};

export const RESOURCE: Columns<StoredResource> = {
  digest: ['digest', 'text'],
  definition: ['definition', 'text'],
  version: ['version', 'number'],
  createdAt: ['created_at', 'number'],
  updatedAt: ['updated_at', 'number'],
};

export const DELIVERY: Columns<Delivery> = {
  kind: ['kind', 'text'],
  about: ['about', 'text'],
  clientId: ['client_id', 'text'],
  sub: ['sub', 'text'],
  createdAt: ['created_at', 'number'],
  dueAt: ['due_at', 'number'],
  attempts: ['attempts', 'number'],
};

export const AUDIT: Columns<AuditEvent> = {
  id: ['id', 'text'],
  at: ['at', 'number'],
  type: ['type', 'text'],
  sub: ['sub', 'text'],
  clientId: ['client_id', 'text'],
  ip: ['ip', 'text'],
  requestId: ['request_id', 'text'],
  reason: ['reason', 'text'],
  detail: ['detail', 'object'],
};

/** Columns and values of acts that are numbers and in none of the lists above. */
const OTHER_NUMBERS = [
  'offline',
  'wants_delivery',
  'writes',
  'count',
  'reset_at',
  'disabled_at',
  'client_version',
  'revocation',
  'numbered_at',
  'used_at',
];
const NUMBERS: ReadonlySet<string> = new Set([
  ...OTHER_NUMBERS,
  ...[
    SESSION,
    AUTHORIZATION,
    CODE,
    FAMILY,
    ACCESS_TOKEN,
    ID_TOKEN,
    ONE_TIME_RECORD,
    INITIAL_ACCESS_TOKEN,
    RESOURCE,
    DELIVERY,
    AUDIT,
  ]
    .flatMap((columns) => Object.values(columns) as (readonly [column: string, kind: Kind])[])
    .filter(([, kind]) => kind === 'number')
    .map(([column]) => column),
]);

/** True if the column holds numbers. All other columns hold text. */
export function isNumber(column: string): boolean {
  return NUMBERS.has(column);
}

/** The row for a record. */
export function rowOf<T extends object>(columns: Columns<T>, tenant: string, record: T): Row {
  const row: Record<string, Value> = { tenant };
  for (const member of Object.keys(columns) as (keyof T)[]) {
    const [column, kind] = columns[member];
    row[column] = stored(record[member], kind);
  }
  return row;
}

/** The record that a row holds. */
export function recordOf<T extends object>(columns: Columns<T>, row: Row): T {
  const record: Partial<Record<keyof T, unknown>> = {};
  for (const member of Object.keys(columns) as (keyof T)[]) {
    const [column, kind] = columns[member];
    record[member] = restored(row[column] ?? null, kind);
  }
  return record as T;
}

/**
 * The row for a family. The column `offline` lets the end of a session skip families with
 * `offline_access`, which outlive the session.
 */
export function familyRow(tenant: string, family: Family): Row {
  const offline = family.scopes.includes('offline_access') ? 1 : 0;
  return { ...rowOf(FAMILY, tenant, family), offline };
}

function stored(value: unknown, kind: Kind): Value {
  if (value === null || value === undefined) return null;
  if (kind === 'words') return (value as readonly string[]).join(' ');
  if (kind === 'json' && Object.keys(value).length === 0) return null;
  if (kind === 'json' || kind === 'object') return JSON.stringify(value);
  return value as Value;
}

function restored(value: Value, kind: Kind): unknown {
  // A pool of the host may read large numbers as strings.
  if (kind === 'number') return value === null ? null : Number(value);
  if (kind === 'words') return value === null || value === '' ? [] : String(value).split(' ');
  if (kind === 'json' || kind === 'object') return value === null ? {} : JSON.parse(String(value));
  return value;
}

/** The columns of a record, without the tenant. */
export function columnNames<T>(columns: Columns<T>): readonly string[] {
  return (Object.values(columns) as (readonly [column: string, kind: Kind])[]).map(
    ([column]) => column,
  );
}
