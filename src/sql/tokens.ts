/**
 * Tokens: the one act that consumes a code, refresh token or one-time record and issues tokens; the
 * lookups that introspection and userinfo need, one statement each; and the ways in which tokens
 * are revoked. What may be issued is decided by the core.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type {
  ActRow,
  Family,
  Issue,
  RevokedSubject,
  StoredConsumption,
  TokenStore,
} from 'valetkey';
import { type Act, type ActWrite, ALWAYS, type NewRow, namesIn } from './act.ts';
import { auditRow } from './audit.ts';
import { CLIENT_VERSION, NEEDS_CLIENT, withEnabledClient } from './clients.ts';
import { consumeCodes } from './codes.ts';
import { tellOfEnd } from './deliveries.ts';
import type { SqlDialect } from './dialect.ts';
import { addRow, type Hot, type Lookup, slot, slotsOf, type Values } from './hot.ts';
import { CONSUME_ONE_TIME, recordValues } from './one-time.ts';
import {
  ACCESS_TOKEN,
  AUDIT,
  columnNames,
  FAMILY,
  familyRow,
  ID_TOKEN,
  LOGIN,
  recordOf,
  rowOf,
  SESSION,
  type Tables,
  type Value,
} from './schema.ts';
import { provenBefore, rememberRevoked, revocations } from './subjects.ts';

const FAMILIES = sql.table('families');
const AUTHORIZATIONS = sql.table('authorizations');
const ACCESS_TOKENS = sql.table('access_tokens');
const FAMILY_COLUMNS = [...columnNames(FAMILY), 'offline'];

export function tokenStore(
  db: Kysely<Tables>,
  hot: Hot,
  dialect: SqlDialect,
  tenant: string,
): TokenStore {
  /** An act of one write that ends something, with its audit row. */
  const end = async (
    name: string,
    write: ActWrite,
    given: Values,
    audit: ActRow,
  ): Promise<boolean> => {
    const values: Record<string, Value> = { tenant, ...given };
    const row = auditRow(tenant, audit);
    if (row !== null) addRow(values, row, 'audit.');
    const rows: readonly NewRow[] = row === null ? [] : [AUDIT_ROW];
    const key = `${name} ${row === null ? '' : 'audited'}`;
    return (await hot.act(key, () => ({ writes: [write], rows }), values)) === null;
  };
  return {
    async issue(issue, now) {
      const values = valuesOf(tenant, issue, now);
      const failed = await hot.act(shapeOf(issue), () => actOf(dialect, issue), values);
      if (failed === null) return 'fresh';
      if (failed === NEEDS_CLIENT.name) return 'client_changed';
      return failed === 'subject' ? 'subject_revoked' : 'consumed';
    },
    async findFamily(id) {
      const row = await hot.find('family', FAMILY_LOOKUP, tenant, id);
      if (row === null) return null;
      const authorized = row['authorization_id'] === null || row['authorized'] !== null;
      const version = row['client_version'];
      const clientVersion = version == null ? null : Number(version);
      return { family: recordOf(FAMILY, row), authorized, clientVersion };
    },
    async findAccessToken(digest) {
      const row = await hot.find('access token', ACCESS_TOKEN_LOOKUP, tenant, digest);
      if (row === null) return null;
      const familyLives =
        row['family_id'] === null ||
        (row['family_found'] !== null && row['family_revoked'] === null);
      const authorized = row['authorization_id'] === null || row['authorized'] !== null;
      const live = familyLives && authorized && row['client_version'] !== null;
      const login = row['family_found'] === null ? null : recordOf(LOGIN, row);
      return { token: recordOf(ACCESS_TOKEN, row), live, login };
    },
    revokeFamily: async (id, now, audit, clientId) =>
      clientId === undefined
        ? await end('revoke family', revokeFamily(), { id, now }, audit)
        : await end('revoke own family', revokeFamily(OF_CLIENT), { id, now, clientId }, audit),
    async revokeAccessToken(digest, clientId, now, audit) {
      const values = { digest, clientId, now };
      return (
        (await end('delete access token', DELETE_ACCESS_TOKEN, values, audit)) ||
        (await end('revoke its family', REVOKE_ITS_FAMILY, values, audit))
      );
    },
    revokeSubject: async (sub, now, audit) =>
      await db.transaction().execute(async (trx) => {
        await rememberRevoked(trx, dialect, tenant, sub, now);
        return await endEverything(trx, tenant, sub, now, audit);
      }),
    revocations: async () => await revocations(hot, tenant),
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

const OF_CLIENT = sql`client_id = ${slot('clientId')}`;

const revokeFamily = (condition: RawBuilder<unknown> = ALWAYS): ActWrite => ({
  name: 'family',
  sql: () => sql`update ${FAMILIES} set revoked_at = ${slot('now')}
    where tenant = ${slot('tenant')} and id = ${slot('id')} and revoked_at is null
      and ${condition}`,
});

const REVOKE_ITS_FAMILY: ActWrite = {
  name: 'family',
  sql: () => sql`update ${FAMILIES} set revoked_at = ${slot('now')}
    where tenant = ${slot('tenant')} and revoked_at is null and ${OF_CLIENT}
      and id = (select family_id from ${ACCESS_TOKENS}
        where tenant = ${slot('tenant')} and digest = ${slot('digest')} and ${OF_CLIENT})`,
};

const DELETE_ACCESS_TOKEN: ActWrite = {
  name: 'access token',
  sql: () => sql`delete from ${ACCESS_TOKENS}
    where tenant = ${slot('tenant')} and digest = ${slot('digest')} and ${OF_CLIENT}
      and not exists (select 1 from ${FAMILIES} where ${FAMILIES}.tenant = ${slot('tenant')}
        and ${FAMILIES}.id = ${ACCESS_TOKENS}.family_id and ${FAMILIES}.client_id = ${slot('clientId')})`,
};

const FAMILY_LOOKUP: Lookup = {
  column: 'id',
  make: (isWanted) => sql`select ${namesIn('families', columnNames(FAMILY))},
    ${AUTHORIZATIONS}.id as authorized, ${CLIENT_VERSION}
  from ${FAMILIES} left join ${AUTHORIZATIONS}
    on ${AUTHORIZATIONS}.tenant = ${FAMILIES}.tenant
    and ${AUTHORIZATIONS}.id = ${FAMILIES}.authorization_id
    ${withEnabledClient(FAMILIES)}
  where ${FAMILIES}.tenant = ${slot('tenant')} and ${isWanted(sql`${FAMILIES}.id`)}`,
};

const ACCESS_TOKEN_LOOKUP: Lookup = {
  column: 'digest',
  make: (isWanted) => sql`select ${namesIn('access_tokens', columnNames(ACCESS_TOKEN))},
    ${FAMILIES}.id as family_found, ${FAMILIES}.revoked_at as family_revoked,
    ${namesIn('families', columnNames(LOGIN))},
    ${AUTHORIZATIONS}.id as authorized, ${CLIENT_VERSION}
  from ${ACCESS_TOKENS}
    left join ${FAMILIES} on ${FAMILIES}.tenant = ${ACCESS_TOKENS}.tenant
      and ${FAMILIES}.id = ${ACCESS_TOKENS}.family_id
    left join ${AUTHORIZATIONS} on ${AUTHORIZATIONS}.tenant = ${ACCESS_TOKENS}.tenant
      and ${AUTHORIZATIONS}.id = ${ACCESS_TOKENS}.authorization_id
    ${withEnabledClient(ACCESS_TOKENS)}
  where ${ACCESS_TOKENS}.tenant = ${slot('tenant')}
    and ${isWanted(sql`${ACCESS_TOKENS}.digest`)}`,
};

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
): Promise<RevokedSubject> {
  // Whoever starts a session of this subject waits for the subject's row, which is locked.
  const rows = await trx
    .selectFrom('sessions')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('sub', '=', sub)
    .execute();
  await trx.deleteFrom('sessions').where('tenant', '=', tenant).where('sub', '=', sub).execute();
  await consumeCodes(trx, tenant, now, sub).execute();
  const { numUpdatedRows } = await trx
    .updateTable('families')
    .set({ revoked_at: now })
    .where('tenant', '=', tenant)
    .where('sub', '=', sub)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  const sessions = rows.map((one) => recordOf(SESSION, one));
  const sids = sessions.map(({ sid }) => sid);
  await tellOfEnd(trx, tenant, sids, now);
  const row = auditRow(tenant, audit);
  if (row !== null) await trx.insertInto('audit').values(row).execute();
  return { families: Number(numUpdatedRows), sessions };
}

/** The name of an act of issuing: which parts it has. */
function shapeOf({ subject, consumption, family, accessToken, idToken }: Issue): string {
  const rotates = consumption?.kind === 'refresh_token' && consumption.successor !== null;
  const parts = [subject, family, accessToken, idToken].map((part) => (part === null ? '-' : '+'));
  return `issue ${consumption?.kind ?? 'freely'} ${rotates ? 'rotating' : ''} ${parts.join('')}`;
}

/** The statements of an act of issuing, with a place for each value. */
function actOf(dialect: SqlDialect, issue: Issue): Act {
  const { subject, consumption, family, accessToken, idToken } = issue;
  const writes: ActWrite[] = [];
  if (subject !== null)
    writes.push(
      ...provenBefore(dialect, slot('tenant'), slot('sub'), {
        revocations: slot('revocations'),
        time: slot('time'),
      }),
    );
  if (consumption !== null) writes.push(consumedBy(consumption));
  const rows: NewRow[] = [];
  if (family !== null) rows.push(newRow('families', FAMILY_COLUMNS));
  if (accessToken !== null) rows.push(newRow('access_tokens', columnNames(ACCESS_TOKEN)));
  if (idToken !== null) rows.push(newRow('id_tokens', columnNames(ID_TOKEN)));
  return { needs: NEEDS_CLIENT, writes, rows };
}

/** A row of places, named as `addRow` names their values. */
function newRow(table: keyof Tables, columns: readonly string[]): NewRow {
  return [table, slotsOf(['tenant', ...columns], `${table}.`)];
}

const AUDIT_ROW: NewRow = newRow('audit', columnNames(AUDIT));

/** The values of an act of issuing. */
function valuesOf(tenant: string, issue: Issue, now: number): Values {
  const { clientId, clientVersion, subject, consumption, family, accessToken, idToken } = issue;
  const values: Record<string, Value> = {
    tenant,
    now,
    client_id: clientId,
    client_version: clientVersion,
  };
  if (subject !== null) Object.assign(values, subject);
  if (consumption !== null) Object.assign(values, consumptionValues(consumption, family));
  if (family !== null) addRow(values, familyRow(tenant, family), 'families.');
  if (accessToken !== null)
    addRow(values, rowOf(ACCESS_TOKEN, tenant, accessToken), 'access_tokens.');
  if (idToken !== null) addRow(values, rowOf(ID_TOKEN, tenant, idToken), 'id_tokens.');
  return values;
}

function consumptionValues(consumption: StoredConsumption, family: Family | null): Values {
  switch (consumption.kind) {
    case 'code':
      return { code: consumption.digest, familyId: family?.id ?? null };
    case 'refresh_token': {
      const { familyId, presented, refreshExpiresAt, successor } = consumption;
      const { digest = null, sealed = null, details = null } = successor ?? {};
      const text = details === null ? null : JSON.stringify(details);
      return { familyId, presented, refreshExpiresAt, successor: digest, sealed, details: text };
    }
    case 'one_time_record':
      return recordValues(consumption.record);
  }
}

/** The conditional write for each kind of consumption. */
function consumedBy(consumption: StoredConsumption): ActWrite {
  switch (consumption.kind) {
    case 'code':
      return {
        name: 'code',
        sql: (after) => sql`update ${sql.table('codes')}
          set consumed_at = ${slot('now')}, family_id = ${slot('familyId')}
          where tenant = ${slot('tenant')} and digest = ${slot('code')} and consumed_at is null
            and expires_at > ${slot('now')} and ${after}`,
      };
    case 'refresh_token':
      return useRefreshToken(consumption.successor !== null);
    case 'one_time_record':
      return CONSUME_ONE_TIME;
  }
}

/** Writes the family's row only if `presented` is its live refresh token and is still usable. */
function useRefreshToken(rotates: boolean): ActWrite {
  const rotation = rotates
    ? sql`, refresh_digest = ${slot('successor')}, previous_digest = ${slot('presented')},
        sealed_successor = ${slot('sealed')}, rotated_at = ${slot('now')},
        details = coalesce(${slot('details')}, details)`
    : sql``;
  return {
    name: 'refresh token',
    sql: (after) => sql`update ${FAMILIES}
      set refresh_expires_at = ${slot('refreshExpiresAt')} ${rotation}
      where tenant = ${slot('tenant')} and id = ${slot('familyId')}
        and refresh_digest = ${slot('presented')} and revoked_at is null
        and expires_at > ${slot('now')} and refresh_expires_at > ${slot('now')}
        and (authorization_id is null or exists (select 1 from ${AUTHORIZATIONS}
          where ${AUTHORIZATIONS}.tenant = ${FAMILIES}.tenant
            and ${AUTHORIZATIONS}.id = ${FAMILIES}.authorization_id))
        and ${after}`,
  };
}
