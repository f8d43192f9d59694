/** Rows that a server of an earlier version writes beside this one, while they are replaced. */
import type { ProvenAt, Store } from 'valetkey';
import { type SqlDatabase, sqlDatabase } from 'valetkey/sql';
import { sample } from 'valetkey/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DATABASES, type EmptyDatabase } from '../databases.ts';

const ISSUER = 'https://op.example';
const NOW = 1_800_000_000;

describe.each(DATABASES)('$name', ({ make, missing }) => {
  let empty: EmptyDatabase;
  let database: SqlDatabase;
  let store: Store;
  beforeEach(async () => {
    empty = make();
    database = sqlDatabase(empty.options);
    store = database.forIssuer(ISSUER);
    if (!missing) await database.migrate();
  });
  afterEach(async () => {
    await database.close();
    await empty.remove();
  });

  /** Revokes a subject as versions did that knew no numbers. */
  const revokeUnnumbered = async (sub: string, at: number): Promise<void> => {
    const tenant = database.tenantOf(ISSUER);
    const row = { tenant, sub, revoked_at: at, writes: 1 };
    if (await database.insertNew('subjects', row)) return;
    const own = database.kysely.updateTable('subjects').set({ revoked_at: at });
    await own.where('tenant', '=', tenant).where('sub', '=', sub).execute();
  };

  it.skipIf(missing)(
    'RT-09 a revocation without a number stops what was proven before it, at any time after',
    async () => {
      const facts = sample.facts();
      const start = async (proof: ProvenAt): Promise<string> =>
        await store.sessions.start(sample.session(facts), null, proof);
      const revocations = await store.tokens.revocations();
      const [before, after] = [
        { revocations, time: NOW },
        { revocations, time: NOW + 2 },
      ];
      expect(await start(before)).toBe('started');
      await revokeUnnumbered(facts.sub, NOW + 1);
      expect([await start(before), await start(after)]).toEqual(['subject_revoked', 'started']);
      // One with a number, then again one without.
      await store.tokens.revokeSubject(facts.sub, NOW + 3, null);
      const numbered = { revocations: revocations + 1, time: NOW + 3 };
      expect([await start(after), await start(numbered)]).toEqual(['subject_revoked', 'started']);
      await revokeUnnumbered(facts.sub, NOW + 9);
      expect(await start(numbered)).toBe('subject_revoked');
      expect(await start({ ...numbered, time: NOW + 10 })).toBe('started');
    },
  );
});
