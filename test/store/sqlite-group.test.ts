/** Shared transactions on SQLite, on a real file: what one failing write does to the others. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { type SqlDatabase, sqlDatabase } from 'valetkey/sql';
import { sample, withClient } from 'valetkey/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ISSUER = 'https://op.example';
let folder: string;
let database: SqlDatabase;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'valetkey-group-'));
  database = sqlDatabase({ url: `sqlite:${join(folder, 'test.db')}` });
  await database.migrate();
  await withClient(database.forIssuer(ISSUER), FACTS);
});
afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Of a client that is registered. */
const FACTS = sample.facts();
type Issued = Parameters<typeof issue>[0];
const issueOf = (digest?: string): Issued => ({
  ...sample.issue(FACTS, null, null, digest === undefined ? {} : { digest }),
  consumption: null,
  subject: null,
  family: null,
});
async function issue(
  one: Parameters<ReturnType<SqlDatabase['forIssuer']>['tokens']['issue']>[0],
): Promise<string> {
  return await database.forIssuer(ISSUER).tokens.issue(one, 0);
}

describe('writes that wait', () => {
  it('[store] share a transaction: a row that fails fails alone', async () => {
    const { tokens } = database.forIssuer(ISSUER);
    const good = [issueOf(), issueOf(), issueOf()];
    const taken = issueOf();
    await issue(taken);
    const outcomes = await Promise.all(
      [good[0], taken, good[1], taken, good[2]].map(
        async (one) => await issue(one as typeof taken).catch(() => 'failed'),
      ),
    );
    expect(outcomes).toEqual(['fresh', 'failed', 'fresh', 'failed', 'fresh']);
    for (const one of good)
      expect((await tokens.findAccessToken(one.accessToken?.digest ?? ''))?.live).toBe(true);
  });
  it('[store] wait for those of the next turns, but only four turns', async () => {
    const done: number[] = [];
    const writes: Promise<unknown>[] = [];
    const doneBefore: number[] = [];
    for (let turn = 0; turn < 6; turn += 1) {
      doneBefore.push(done.length);
      writes.push(issue(issueOf()).then(() => done.push(turn)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(writes);
    expect([doneBefore, done]).toEqual([
      [0, 0, 0, 0, 4, 4],
      [0, 1, 2, 3, 4, 5],
    ]);
  });
  it('[store] leave nothing behind when the second statement of one fails', async () => {
    const { oneTime, tokens } = database.forIssuer(ISSUER);
    const record = sample.oneTime();
    await oneTime.put(record);
    const taken = issueOf();
    await issue(taken);
    const consumption = { kind: 'one_time_record', record } as const;
    const failed = issue({ ...taken, consumption }).catch(() => 'failed');
    const other = issueOf();
    expect(await Promise.all([failed, issue(other)])).toEqual(['failed', 'fresh']);
    expect((await oneTime.find(record))?.consumedAt).toBeNull();
    expect((await tokens.findAccessToken(other.accessToken?.digest ?? ''))?.live).toBe(true);
  });
  it('[store] on a full disk what is refused is not stored, what is told done is, and all are done when there is room', async () => {
    const { tokens, oneTime } = database.forIssuer(ISSUER);
    const { kysely } = database;
    const limit = async (pages: string): Promise<unknown> =>
      await sql`pragma max_page_count = ${sql.raw(pages)}`.execute(kysely);
    const records = [sample.oneTime(), sample.oneTime()];
    for (const record of records) await oneTime.put(record);
    const note = 'x'.repeat(50_000);
    const swapped = sample.oneTime();
    await oneTime.put(swapped);
    // One statement each, so that they need no savepoint of their own.
    const single = Array.from(
      { length: 4 },
      () => async () => await oneTime.swap({ ...swapped, version: 2, payload: note }),
    );
    const issues: Issued[] = [];
    const issuing = (one: Issued) => {
      issues.push(one);
      return async () => await issue(one);
    };
    const small = () => issuing({ ...issueOf(), idToken: null });
    const consuming = records.map((record) =>
      issuing({
        ...issueOf(),
        accessToken: { ...sample.issue(FACTS, null, null).accessToken, details: { note } },
        consumption: { kind: 'one_time_record', record },
      }),
    );
    const ending = [small(), ...single, small()];
    const sparing = [small(), ...consuming, small()];
    const outcomesOf = async (group: readonly (() => Promise<unknown>)[]): Promise<unknown[]> =>
      await Promise.all(group.map(async (one) => await one().catch(({ name }: Error) => name)));
    const refused = 'StoreUnavailable';
    await limit('1');
    // These end the whole transaction. The first fits, and must not be told done.
    expect(await outcomesOf(ending)).toEqual(ending.map(() => refused));
    // These end only their own statement.
    expect(await outcomesOf(sparing)).toEqual(['fresh', refused, refused, 'fresh']);
    const stored = issues.map(
      async ({ accessToken }) => await tokens.findAccessToken(accessToken?.digest ?? ''),
    );
    expect((await Promise.all(stored)).map((one) => one !== null)).toEqual([
      ...[false, false, false, false],
      ...[true, true],
    ]);
    for (const record of [...records, swapped]) expect(await oneTime.find(record)).toEqual(record);
    await limit('1073741823');
    expect(await outcomesOf([...ending, ...consuming])).toEqual([
      ...['fresh', true, false, false, false, 'fresh'],
      ...['fresh', 'fresh'],
    ]);
  });
  it('[store] all fail when the transaction does, and nothing is half done', async () => {
    const { clients } = database.forIssuer(ISSUER);
    await clients.insert(sample.client(), null);
    const other = sqlDatabase({ url: `sqlite:${join(folder, 'test.db')}` });
    const { tokens } = database.forIssuer(ISSUER);
    const all = [issueOf(), issueOf()];
    await other.kysely.connection().execute(async (connection) => {
      await sql`begin immediate`.execute(connection);
      const outcomes = await Promise.all(
        all.map(async (one) => await issue(one).catch(({ name }: Error) => name)),
      );
      expect(outcomes).toEqual(['StoreUnavailable', 'StoreUnavailable']);
      await sql`rollback`.execute(connection);
    });
    await other.close();
    for (const one of all) {
      expect(await tokens.findAccessToken(one.accessToken?.digest ?? '')).toBeNull();
      expect(await issue(one)).toBe('fresh');
    }
  });
  it('[store] wait for a transaction of the query builder, and readers see nothing of it before its end', async () => {
    const { tokens } = database.forIssuer(ISSUER);
    const one = issueOf();
    const steps: string[] = [];
    const builder = database.kysely.transaction().execute(async (trx) => {
      await sql`delete from ${sql.table('access_tokens')}`.execute(trx);
      await new Promise((resolve) => setTimeout(resolve, 20));
      steps.push('builder');
    });
    await new Promise((resolve) => setImmediate(resolve));
    const found = tokens.findAccessToken('nobody').then(() => steps.push('reader'));
    const written = issue(one).then(() => steps.push('writer'));
    await Promise.all([builder, found, written]);
    expect(steps[0]).toBe('builder');
    expect((await tokens.findAccessToken(one.accessToken?.digest ?? ''))?.live).toBe(true);
  });
});
