/** Initial access tokens. Each use is one conditional update, part of the act that registers. */
import { type Kysely, sql } from 'kysely';
import type { InitialAccessTokenStore } from 'valetkey';
import { type ActWrite, auditRows } from './act.ts';
import { auditRow } from './audit.ts';
import type { Hot } from './hot.ts';
import { INITIAL_ACCESS_TOKEN, recordOf, rowOf, type Tables } from './schema.ts';

const TOKENS = sql.table('initial_access_tokens');

/** The write that uses a token once, if it has a use left and has not expired. */
export function useToken(tenant: string, digest: string, now: number): ActWrite {
  return {
    name: 'token',
    sql: (after) => sql`update ${TOKENS} set uses_left = uses_left - 1
      where tenant = ${tenant} and digest = ${digest} and uses_left > 0
        and expires_at > ${now} and ${after}`,
  };
}

export function initialAccessTokenStore(
  db: Kysely<Tables>,
  hot: Hot,
  tenant: string,
): InitialAccessTokenStore {
  const all = () => db.selectFrom('initial_access_tokens').selectAll().where('tenant', '=', tenant);
  return {
    async insert(token, audit) {
      const row = rowOf(INITIAL_ACCESS_TOKEN, tenant, token);
      const rows = auditRows(auditRow(tenant, audit));
      await hot.once({ writes: [], rows: [['initial_access_tokens', row], ...rows] });
    },
    async find(digest) {
      const row = await all().where('digest', '=', digest).executeTakeFirst();
      return row === undefined ? null : recordOf(INITIAL_ACCESS_TOKEN, row);
    },
    async list({ after, limit }) {
      const page = after === undefined ? all() : all().where('id', '>', after);
      const rows = await page.orderBy('id').limit(limit).execute();
      return rows.map((row) => recordOf(INITIAL_ACCESS_TOKEN, row));
    },
    async delete(id, audit) {
      const write: ActWrite = {
        name: 'token',
        sql: () => sql`delete from ${TOKENS} where tenant = ${tenant} and id = ${id}`,
      };
      const rows = auditRows(auditRow(tenant, audit));
      return (await hot.once({ writes: [write], rows })) === null;
    },
  };
}
