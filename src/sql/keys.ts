/**
 * The signing keys of an issuer, in one row that changes by compare and swap. Which keys are made
 * and when they rotate is decided by the core.
 */
import { type Kysely, sql } from 'kysely';
import type { KeySet, KeyStore } from 'valetkey';
import { type ActWrite, auditRows } from './act.ts';
import { auditRow } from './audit.ts';
import type { SqlDialect } from './dialect.ts';
import type { Hot } from './hot.ts';
import type { Tables } from './schema.ts';

export function keyStore(
  db: Kysely<Tables>,
  hot: Hot,
  dialect: SqlDialect,
  tenant: string,
  rememberIssuer: () => Promise<unknown>,
): KeyStore {
  return {
    async load() {
      const row = await db
        .selectFrom('key_sets')
        .select(['version', 'keys'])
        .where('tenant', '=', tenant)
        .executeTakeFirst();
      if (row === undefined) return null;
      const keys = JSON.parse(String(row['keys'])) as KeySet['keys'];
      return { version: Number(row['version']), keys };
    },
    async swap(expected, keys, audit) {
      const text = JSON.stringify(keys);
      const row = { tenant, version: 1, keys: text };
      const next: ActWrite = {
        name: 'key set',
        sql: () => sql`update ${sql.table('key_sets')}
          set version = ${expected + 1}, ${sql.id('keys')} = ${text}
          where tenant = ${tenant} and version = ${expected}`,
      };
      const writes = expected === 0 ? dialect.insertIfAbsent('key set', 'key_sets', row) : [next];
      const rows = auditRows(auditRow(tenant, audit));
      // The first keys of an issuer: commands find it by this record, whoever serves it.
      if (expected === 0) await rememberIssuer();
      return (await hot.once({ writes, rows })) === null;
    },
  };
}
