/** Tokens: the single uses, each one conditional statement, and the reads that introspection and userinfo live from, one statement each. */
import { type Kysely, sql } from 'kysely';
import type { TokenStore } from 'valetkey';
import { consumeCodes } from './codes.ts';
import { issueIf } from './conditional-issue.ts';
import {
  accessTokenOf,
  accessTokenRow,
  familyOf,
  familyRow,
  idTokenOf,
  idTokenRow,
  type Tables,
} from './schema.ts';
import { lockSubject } from './subjects.ts';

export function tokenStore(
  db: Kysely<Tables>,
  dialect: 'sqlite' | 'postgres',
  tenant: string,
): TokenStore {
  const codes = sql.table('codes');
  const families = sql.table('families');
  const authorizations = sql.table('authorizations');
  /** The family's row, while `presented` is its live refresh token and it may still be used. */
  const usable = (id: string, presented: string, now: number) =>
    sql`tenant = ${tenant} and id = ${id} and refresh_digest = ${presented} and revoked_at is null and expires_at > ${now} and refresh_expires_at > ${now}
      and (authorization_id is null or exists (select 1 from ${authorizations} where ${authorizations}.tenant = ${families}.tenant and ${authorizations}.id = ${families}.authorization_id))`;
  const revokeFamilies = async (
    on: Kysely<Tables>,
    now: number,
    column: 'id' | 'sub',
    value: string,
  ): Promise<number> => {
    const { numUpdatedRows } = await on
      .updateTable('families')
      .set({ revoked_at: now })
      .where('tenant', '=', tenant)
      .where(column, '=', value)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    return Number(numUpdatedRows);
  };

  return {
    async redeem(code, family, issue, now) {
      const condition = sql`update ${codes} set redeemed_at = ${now}, family_id = ${family.id}
        where tenant = ${tenant} and digest = ${code} and redeemed_at is null and expires_at > ${now}`;
      return (await issueIf(db, dialect, tenant, condition, {
        family: familyRow(tenant, family),
        issue,
      }))
        ? 'fresh'
        : 'consumed';
    },
    async rotate(
      { familyId, presented, refreshDigest, refreshExpiresAt, sealedSuccessor },
      issue,
      now,
    ) {
      const condition = sql`update ${families} set refresh_digest = ${refreshDigest}, refresh_expires_at = ${refreshExpiresAt},
        previous_digest = ${presented}, sealed_successor = ${sealedSuccessor}, rotated_at = ${now} where ${usable(familyId, presented, now)}`;
      return (await issueIf(db, dialect, tenant, condition, { family: null, issue }))
        ? 'fresh'
        : 'consumed';
    },
    async extend(familyId, presented, refreshExpiresAt, issue, now) {
      const condition = sql`update ${families} set refresh_expires_at = ${refreshExpiresAt} where ${usable(familyId, presented, now)}`;
      return (await issueIf(db, dialect, tenant, condition, { family: null, issue }))
        ? 'fresh'
        : 'consumed';
    },
    async insert({ accessToken, idToken }, family) {
      const store = async (on: Kysely<Tables>): Promise<void> => {
        if (family !== null)
          await on.insertInto('families').values(familyRow(tenant, family)).execute();
        if (accessToken !== null)
          await on
            .insertInto('access_tokens')
            .values(accessTokenRow(tenant, accessToken))
            .execute();
        if (idToken !== null)
          await on.insertInto('id_tokens').values(idTokenRow(tenant, idToken)).execute();
      };
      // One row needs no transaction, and most of these calls store one.
      if (family === null && idToken === null) await store(db);
      else await db.transaction().execute(store);
    },
    async findFamily(id) {
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
      return row === undefined
        ? null
        : {
            family: familyOf(row),
            authorized: row.authorization_id === null || row.authorized !== null,
          };
    },
    async findAccessToken(digest) {
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
        row.family_id === null || (row.family_found !== null && row.family_revoked === null);
      return {
        token: accessTokenOf(row),
        live: familyLives && (row.authorization_id === null || row.authorized !== null),
      };
    },
    revokeFamily: async (id, now) => (await revokeFamilies(db, now, 'id', id)) === 1,
    async revokeAccessToken(digest) {
      const { numDeletedRows } = await db
        .deleteFrom('access_tokens')
        .where('tenant', '=', tenant)
        .where('digest', '=', digest)
        .where('family_id', 'is', null)
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },
    async revokeSubject(sub, now) {
      return await db.transaction().execute(async (trx) => {
        await lockSubject(trx, tenant, sub, now);
        // Sessions, codes, families, in the order of `sessions.end`: without a session no code is made after the codes are taken.
        await trx
          .deleteFrom('sessions')
          .where('tenant', '=', tenant)
          .where('sub', '=', sub)
          .execute();
        await consumeCodes(trx, tenant, now, sub).execute();
        return await revokeFamilies(trx, now, 'sub', sub);
      });
    },
    async findIdToken(jti) {
      const row = await db
        .selectFrom('id_tokens')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('jti', '=', jti)
        .executeTakeFirst();
      return row === undefined ? null : idTokenOf(row);
    },
  };
}
