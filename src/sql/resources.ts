/** APIs that operators registered: one row each, changed by compare and swap. */
import { type Kysely, sql } from 'kysely';
import type { ResourceStore } from 'valetkey';
import { type ActWrite, auditRows } from './act.ts';
import { auditRow } from './audit.ts';
import type { SqlDialect } from './dialect.ts';
import type { Hot } from './hot.ts';
import { RESOURCE, recordOf, rowOf, type Tables } from './schema.ts';

const RESOURCES = sql.table('resources');

export function resourceStore(
  db: Kysely<Tables>,
  hot: Hot,
  dialect: SqlDialect,
  tenant: string,
): ResourceStore {
  return {
    async list() {
      const rows = await db
        .selectFrom('resources')
        .selectAll()
        .where('tenant', '=', tenant)
        .orderBy('digest')
        .execute();
      return rows.map((row) => recordOf(RESOURCE, row));
    },
    async insert(resource, audit) {
      const row = rowOf(RESOURCE, tenant, resource);
      const writes = dialect.insertIfAbsent('resource', 'resources', row);
      return (await hot.once({ writes, rows: auditRows(auditRow(tenant, audit)) })) === null;
    },
    async replace({ digest, definition, version, updatedAt }, audit) {
      const write: ActWrite = {
        name: 'resource',
        sql: () => sql`update ${RESOURCES} set definition = ${definition}, version = ${version},
          updated_at = ${updatedAt}
          where tenant = ${tenant} and digest = ${digest} and version = ${version - 1}`,
      };
      const rows = auditRows(auditRow(tenant, audit));
      return (await hot.once({ writes: [write], rows })) === null;
    },
    async delete(digest, audit) {
      const write: ActWrite = {
        name: 'resource',
        sql: () => sql`delete from ${RESOURCES} where tenant = ${tenant} and digest = ${digest}`,
      };
      const rows = auditRows(auditRow(tenant, audit));
      return (await hot.once({ writes: [write], rows })) === null;
    },
  };
}
