/**
 * Tokens: the one act that consumes a code, refresh token or one-time record and issues tokens; the
 * lookups that introspection and userinfo need, one statement each; and the ways in which tokens
 * are revoked. What may be issued is decided by the core.
 */
import { type Kysely, sql } from 'kysely';
import type {
  ActRow,
  FoundAccessToken,
  FoundFamily,
  Issue,
  StoredConsumption,
  TokenStore,
} from 'valetkey';
import { type ActWrite, auditRows, type NewRow } from './act.ts';
import { auditRow } from './audit.ts';
import { consumeCodes } from './codes.ts';
import type { SqlDialect } from './dialect.ts';
import { consumeOneTime } from './one-time.ts';
import {
  ACCESS_TOKEN,
  FAMILY,
  familyRow,
  ID_TOKEN,
  recordOf,
  rowOf,
  type Tables,
} from './schema.ts';
import { provenSince, rememberRevoked } from './subjects.ts';

export function tokenStore(db: Kysely<Tables>, dialect: SqlDialect, tenant: string): TokenStore {
  return {
    async issue(issue, now) {
      const { subject, consumption } = issue;
      const writes: ActWrite[] = [];
      if (subject !== null)
        writes.push(...provenSince(dialect, tenant, subject.sub, subject.since));
      if (consumption !== null) writes.push(consume(tenant, consumption, issue, now));
      const failed = await dialect.act(db, { writes, rows: rowsOf(tenant, issue) });
      if (failed === null) return 'fresh';
      return failed === 'subject' ? 'subject_revoked' : 'consumed';
    },
    findFamily: async (id) => await findFamily(db, tenant, id),
    findAccessToken: async (digest) => await findAccessToken(db, tenant, digest),
    async revokeFamily(id, now, audit) {
      const write: ActWrite = {
        name: 'family',
        sql: () => sql`update ${sql.table('families')} set revoked_at = ${now}
          where tenant = ${tenant} and id = ${id} and revoked_at is null`,
      };
      const rows = auditRows(auditRow(tenant, audit));
      return (await dialect.act(db, { writes: [write], rows })) === null;
    },
    async revokeAccessToken(digest, audit) {
      const write: ActWrite = {
        name: 'access token',
        sql: () => sql`delete from ${sql.table('access_tokens')}
          where tenant = ${tenant} and digest = ${digest} and family_id is null`,
      };
      const rows = auditRows(auditRow(tenant, audit));
      return (await dialect.act(db, { writes: [write], rows })) === null;
    },
    revokeSubject: async (sub, now, audit) =>
      await db.transaction().execute(async (trx) => {
        await rememberRevoked(trx, dialect, tenant, sub, now);
        return await endEverything(trx, tenant, sub, now, audit);
      }),
    async findIdToken(jti) {
      const row = await db
        .selectFrom('id_tokens')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('jti', '=', jti)
        .executeTakeFirst();
      return row === undefined ? null : recordOf(ID_TOKEN, row);
    },
  };
}

async function findFamily(
  db: Kysely<Tables>,
  tenant: string,
  id: string,
): Promise<FoundFamily | null> {
  const row = await db
    .selectFrom('families')
    .leftJoin('authorizations', (join) =>
      join
        .onRef('authorizations.tenant', '=', 'families.tenant')
        .onRef('authorizations.id', '=', 'families.authorization_id'),
    )
    .selectAll('families')
    .select('authorizations.id as authorized')
    .where('families.tenant', '=', tenant)
    .where('families.id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return null;
  const authorized = row['authorization_id'] === null || row['authorized'] !== null;
  return { family: recordOf(FAMILY, row), authorized };
}

async function findAccessToken(
  db: Kysely<Tables>,
  tenant: string,
  digest: string,
): Promise<FoundAccessToken | null> {
  const row = await db
    .selectFrom('access_tokens')
    .leftJoin('families', (join) =>
      join
        .onRef('families.tenant', '=', 'access_tokens.tenant')
        .onRef('families.id', '=', 'access_tokens.family_id'),
    )
    .leftJoin('authorizations', (join) =>
      join
        .onRef('authorizations.tenant', '=', 'access_tokens.tenant')
        .onRef('authorizations.id', '=', 'access_tokens.authorization_id'),
    )
    .selectAll('access_tokens')
    .select([
      'families.id as family_found',
      'families.revoked_at as family_revoked',
      'authorizations.id as authorized',
    ])
    .where('access_tokens.tenant', '=', tenant)
    .where('access_tokens.digest', '=', digest)
    .executeTakeFirst();
  if (row === undefined) return null;
  const familyLives =
    row['family_id'] === null || (row['family_found'] !== null && row['family_revoked'] === null);
  const authorized = row['authorization_id'] === null || row['authorized'] !== null;
  return { token: recordOf(ACCESS_TOKEN, row), live: familyLives && authorized };
}

/**
 * Ends sessions, codes and families of a subject, in the same order as `sessions.end`: without a
 * session no new code is stored after the existing codes are consumed.
 */
async function endEverything(
  trx: Kysely<Tables>,
  tenant: string,
  sub: string,
  now: number,
  audit: ActRow,
): Promise<number> {
  await trx.deleteFrom('sessions').where('tenant', '=', tenant).where('sub', '=', sub).execute();
  await consumeCodes(trx, tenant, now, sub).execute();
  const { numUpdatedRows } = await trx
    .updateTable('families')
    .set({ revoked_at: now })
    .where('tenant', '=', tenant)
    .where('sub', '=', sub)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  const row = auditRow(tenant, audit);
  if (row !== null) await trx.insertInto('audit').values(row).execute();
  return Number(numUpdatedRows);
}

function rowsOf(tenant: string, { family, accessToken, idToken }: Issue): readonly NewRow[] {
  const rows: NewRow[] = [];
  if (family !== null) rows.push(['families', familyRow(tenant, family)]);
  if (accessToken !== null) rows.push(['access_tokens', rowOf(ACCESS_TOKEN, tenant, accessToken)]);
  if (idToken !== null) rows.push(['id_tokens', rowOf(ID_TOKEN, tenant, idToken)]);
  return rows;
}

/** The conditional write for each kind of consumption. */
function consume(
  tenant: string,
  consumption: StoredConsumption,
  { family }: Issue,
  now: number,
): ActWrite {
  switch (consumption.kind) {
    case 'code':
      return {
        name: 'code',
        sql: (after) => sql`update ${sql.table('codes')}
          set consumed_at = ${now}, family_id = ${family?.id ?? null}
          where tenant = ${tenant} and digest = ${consumption.digest} and consumed_at is null
            and expires_at > ${now} and ${after}`,
      };
    case 'refresh_token':
      return useRefreshToken(tenant, consumption, now);
    case 'one_time_record':
      return consumeOneTime(tenant, consumption.record, now);
  }
}

/** Writes the family's row only if `presented` is its live refresh token and is still usable. */
function useRefreshToken(
  tenant: string,
  consumption: Extract<StoredConsumption, { kind: 'refresh_token' }>,
  now: number,
): ActWrite {
  const { familyId, presented, refreshExpiresAt, successor } = consumption;
  const families = sql.table('families');
  const authorizations = sql.table('authorizations');
  const rotation =
    successor === null
      ? sql``
      : sql`, refresh_digest = ${successor.digest}, previous_digest = ${presented},
          sealed_successor = ${successor.sealed}, rotated_at = ${now}`;
  return {
    name: 'refresh token',
    sql: (after) => sql`update ${families} set refresh_expires_at = ${refreshExpiresAt} ${rotation}
      where tenant = ${tenant} and id = ${familyId} and refresh_digest = ${presented}
        and revoked_at is null and expires_at > ${now} and refresh_expires_at > ${now}
        and (authorization_id is null or exists (select 1 from ${authorizations}
          where ${authorizations}.tenant = ${families}.tenant
            and ${authorizations}.id = ${families}.authorization_id))
        and ${after}`,
  };
}
