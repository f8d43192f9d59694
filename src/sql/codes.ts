/**
 * Authorization codes, stored by digest. A consumed code stays, so that a replay is recognised,
 * until `clear.ts` deletes it. The single use of a code is in `tokens.ts`.
 */
import { type Kysely, sql, type UpdateQueryBuilder, type UpdateResult } from 'kysely';
import type { CodeStore } from 'valetkey';
import { type Act, namesIn } from './act.ts';
import { NEEDS_CLIENT } from './clients.ts';
import type { SqlDialect } from './dialect.ts';
import { type Hot, type Lookup, slot, slotsOf } from './hot.ts';
import { CONSUME_ONE_TIME, recordValues } from './one-time.ts';
import { CODE, columnNames, recordOf, rowOf, type Tables } from './schema.ts';

/**
 * The statement that consumes the unconsumed codes of a subject. The caller may add conditions, and
 * must execute it.
 */
export function consumeCodes(
  db: Kysely<Tables>,
  tenant: string,
  now: number,
  sub: string,
): UpdateQueryBuilder<Tables, 'codes', 'codes', UpdateResult> {
  return db
    .updateTable('codes')
    .set({ consumed_at: now })
    .where('tenant', '=', tenant)
    .where('sub', '=', sub)
    .where('consumed_at', 'is', null);
}

const CODES = sql.table('codes');
const COLUMNS = columnNames(CODE);

const AUTHORIZATIONS = sql.table('authorizations');
const CODE_LOOKUP: Lookup = {
  column: 'digest',
  make: (isWanted) => sql`select ${namesIn('codes', COLUMNS)}, ${AUTHORIZATIONS}.id as authorized
    from ${CODES} left join ${AUTHORIZATIONS}
      on ${AUTHORIZATIONS}.tenant = ${CODES}.tenant
      and ${AUTHORIZATIONS}.id = ${CODES}.authorization_id
    where ${CODES}.tenant = ${slot('tenant')} and ${isWanted(sql`${CODES}.digest`)}`,
};

export function codeStore(hot: Hot, dialect: SqlDialect, tenant: string): CodeStore {
  const exists = async (digest: string): Promise<boolean> => {
    const rows = await hot.rows(
      'code exists',
      () => sql`select 1 as found from ${CODES}
        where tenant = ${slot('tenant')} and digest = ${slot('digest')}`,
      { tenant, digest },
    );
    return rows.length > 0;
  };
  const insertion = (consumes: boolean): Act => ({
    needs: NEEDS_CLIENT,
    writes: [
      // This is a write, not a read: the end of the session writes the same row, so one of the two
      // waits for the other, on every node.
      {
        name: 'session',
        sql: (after) => sql`update ${sql.table('sessions')} set writes = writes + 1
          where tenant = ${slot('tenant')} and handle = ${slot('handle')} and sid = ${slot('sid')}
            and ${after}`,
      },
      ...(consumes ? [CONSUME_ONE_TIME] : []),
      ...dialect.insertIfAbsent('code', 'codes', slotsOf(['tenant', ...COLUMNS], '')),
    ],
    rows: [],
  });
  return {
    async insert(code, { clientVersion, session, consumes }) {
      const row = rowOf(CODE, tenant, code);
      const more = { handle: session, now: code.createdAt, client_version: clientVersion };
      const values = { ...row, ...more };
      const failed =
        consumes === null
          ? await hot.act('insert code', () => insertion(false), values)
          : await hot.act('insert code, consume', () => insertion(true), {
              ...values,
              ...recordValues(consumes),
            });
      if (failed === null) return 'stored';
      // A concurrent request that completes the same interaction may have stored this code first
      // and consumed the same one-time record.
      if (await exists(code.digest)) return 'exists';
      if (failed === NEEDS_CLIENT.name) return 'client_changed';
      return failed === 'session' ? 'session_ended' : 'consumed';
    },
    async find(digest) {
      const row = await hot.find('code', CODE_LOOKUP, tenant, digest);
      if (row === null) return null;
      const authorized = row['authorization_id'] === null || row['authorized'] !== null;
      return { code: recordOf(CODE, row), authorized };
    },
    async countFailure(digest) {
      await hot.act(
        'count wrong verifier',
        () => ({
          writes: [
            {
              name: 'code',
              sql: () => sql`update ${CODES} set failed_attempts = failed_attempts + 1
                where tenant = ${slot('tenant')} and digest = ${slot('digest')}`,
            },
          ],
          rows: [],
        }),
        { tenant, digest },
      );
    },
  };
}
