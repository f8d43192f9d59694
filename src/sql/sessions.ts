/**
 * Sessions. Ending one consumes its codes first and revokes its families second, so that a
 * concurrent redemption of a code cannot start a family that survives. Whether a session is still
 * valid is decided by the core.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { SessionStore } from 'valetkey';
import { type ActWrite, namesIn } from './act.ts';
import { auditRow } from './audit.ts';
import { consumeCodes } from './codes.ts';
import { tellOfEnd } from './deliveries.ts';
import type { SqlDialect, Upsert } from './dialect.ts';
import { type Hot, type Lookup, slot } from './hot.ts';
import { AUTHORIZATION, columnNames, recordOf, rowOf, SESSION, type Tables } from './schema.ts';
import { provenBefore } from './subjects.ts';

const SESSION_LOOKUP: Lookup = {
  column: 'handle',
  make: (isWanted) => sql`select ${namesIn('sessions', columnNames(SESSION))}
    from ${sql.table('sessions')}
    where tenant = ${slot('tenant')} and ${isWanted(sql.ref('handle'))}`,
};

function sessionForClient(): RawBuilder<unknown> {
  const [sessions, authorizations] = [sql.table('sessions'), sql.table('authorizations')];
  const allowed = columnNames(AUTHORIZATION).map(
    (name) => sql`${authorizations}.${sql.id(name)} as ${sql.id(`a_${name}`)}`,
  );
  return sql`select ${namesIn('sessions', columnNames(SESSION))}, ${sql.join(allowed)}
    from ${sessions} left join ${authorizations}
      on ${authorizations}.tenant = ${sessions}.tenant
      and ${authorizations}.sub = ${sessions}.sub
      and ${authorizations}.client_id = ${slot('clientId')}
    where ${sessions}.tenant = ${slot('tenant')} and ${sessions}.handle = ${slot('handle')}`;
}

export function sessionStore(
  db: Kysely<Tables>,
  hot: Hot,
  dialect: SqlDialect,
  tenant: string,
): SessionStore {
  return {
    async find(handle) {
      const row = await hot.find('session', SESSION_LOOKUP, tenant, handle);
      return row === null ? null : recordOf(SESSION, row);
    },
    async findFor(handle, clientId) {
      const [row] = await hot.rows('session for a client', sessionForClient, {
        tenant,
        handle,
        clientId,
      });
      if (row === undefined) return null;
      const session = recordOf(SESSION, row);
      if (row['a_id'] === null) return { session, authorization: null };
      const columns = columnNames(AUTHORIZATION).map((name) => [name, row[`a_${name}`] ?? null]);
      return { session, authorization: recordOf(AUTHORIZATION, Object.fromEntries(columns)) };
    },
    async start(session, replaces, proof) {
      return await db.transaction().execute(async (trx) => {
        if (!(await take(trx, dialect, provenBefore(dialect, tenant, session.sub, proof))))
          return 'subject_revoked';
        const before = replaces === null ? null : await sidOf(trx, tenant, replaces);
        if (replaces === session.handle) await remove(trx, tenant, replaces);
        const row = { ...rowOf(SESSION, tenant, session), writes: 0 };
        if (!(await take(trx, dialect, dialect.insertIfAbsent('session', 'sessions', row))))
          return 'exists';
        if (replaces !== null && replaces !== session.handle) await remove(trx, tenant, replaces);
        if (before !== null && before !== session.sid)
          await tellOfEnd(trx, tenant, [before], session.createdAt);
        // The same person who signs in again goes on with the same sid, and its clients with them.
        if (before === session.sid)
          await trx
            .updateTable('session_clients')
            .set({ expires_at: session.expiresAt })
            .where('tenant', '=', tenant)
            .where('sid', '=', session.sid)
            .execute();
        return 'started';
      });
    },
    async touch(handle, seenAt) {
      await db
        .updateTable('sessions')
        .set({ seen_at: seenAt })
        .where('tenant', '=', tenant)
        .where('handle', '=', handle)
        .where('seen_at', '<', seenAt)
        .execute();
    },
    async end({ handle, sub, sid }, now, revokeTokens, audit) {
      return await db.transaction().execute(async (trx) => {
        if (!(await remove(trx, tenant, handle))) return false;
        if (revokeTokens) {
          await consumeCodes(trx, tenant, now, sub).where('sid', '=', sid).execute();
          await trx
            .updateTable('families')
            .set({ revoked_at: now })
            .where('tenant', '=', tenant)
            .where('sub', '=', sub)
            .where('sid', '=', sid)
            .where('offline', '=', 0)
            .where('revoked_at', 'is', null)
            .execute();
        }
        await tellOfEnd(trx, tenant, [sid], now);
        const row = auditRow(tenant, audit);
        if (row !== null) await trx.insertInto('audit').values(row).execute();
        return true;
      });
    },
    async join({ handle, sid, sub, expiresAt }, clientId, wantsDelivery) {
      const row = {
        tenant,
        sid,
        client_id: clientId,
        sub,
        wants_delivery: wantsDelivery ? 1 : 0,
        expires_at: expiresAt,
      };
      const failed = await hot.once({
        writes: [
          // A write, not a read: the end of the session deletes this row, so one waits for another.
          {
            name: 'session',
            sql: (after) => sql`update ${sql.table('sessions')} set writes = writes + 1
              where tenant = ${tenant} and handle = ${handle} and sid = ${sid} and ${after}`,
          },
          ...dialect.upsertIf('joined', { ...JOINED, row, set: joinedAnew(row) }, sql`1 = 1`),
        ],
        rows: [],
      });
      return failed !== 'session';
    },
    async clients(sid) {
      const rows = await db
        .selectFrom('session_clients')
        .select('client_id')
        .where('tenant', '=', tenant)
        .where('sid', '=', sid)
        .orderBy('client_id')
        .execute();
      return rows.map((row) => String(row['client_id']));
    },
    async listBySubject(sub) {
      const rows = await db
        .selectFrom('sessions')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('sub', '=', sub)
        .execute();
      return rows.map((row) => recordOf(SESSION, row));
    },
  };
}

const JOINED = { table: 'session_clients', key: ['tenant', 'sid', 'client_id'] } as const;

/** What joining again changes: a client may want to be told by now. */
function joinedAnew({
  wants_delivery: wanted,
  expires_at: until,
}: Readonly<Record<'wants_delivery' | 'expires_at', number>>): Upsert['set'] {
  return { wants_delivery: sql`${wanted}`, expires_at: sql`${until}` };
}

/** The sid of a session; null without one. */
async function sidOf(db: Kysely<Tables>, tenant: string, handle: string): Promise<string | null> {
  const row = await db
    .selectFrom('sessions')
    .select('sid')
    .where('tenant', '=', tenant)
    .where('handle', '=', handle)
    .executeTakeFirst();
  return row === undefined ? null : String(row['sid']);
}

/** Performs writes of an act inside a transaction. False if one of them affected no row. */
async function take(
  trx: Kysely<Tables>,
  dialect: SqlDialect,
  writes: readonly ActWrite[],
): Promise<boolean> {
  for (const write of writes) if (!(await dialect.perform(trx, write))) return false;
  return true;
}

/** Deletes a session. Of several concurrent callers only the one that deleted the row sees true. */
async function remove(db: Kysely<Tables>, tenant: string, handle: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('sessions')
    .where('tenant', '=', tenant)
    .where('handle', '=', handle)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}
