/** The laws of the store, on every store there is. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { type Database, memoryDatabase } from 'valetkey';
import { type SqlOptions, sqlDatabase } from 'valetkey/sql';
import { storeContract } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES, type DatabaseKind, MIGRATIONS } from '../databases.ts';
import { services } from '../services.ts';

interface Kind {
  readonly name: string;
  readonly missing: boolean;
  open(): Promise<{ readonly database: Database; close(): Promise<void> }>;
}

/** @param change other options for the same empty database */
const sql = (
  { name, missing, make }: DatabaseKind,
  change: (options: SqlOptions) => SqlOptions = (options) => options,
): Kind => ({
  name,
  missing,
  async open() {
    const empty = make();
    const database = sqlDatabase(change(empty.options));
    expect(await database.pendingMigrations()).toEqual(MIGRATIONS);
    expect(await database.migrate()).toEqual(MIGRATIONS);
    expect(await database.migrate()).toEqual([]);
    expect((await database.check()).warnings).toEqual([]);
    const close = async (): Promise<void> => {
      await database.close();
      await empty.remove();
    };
    return { database, close };
  },
});

/** The same server through a pool as a host has it: int8 as text, no limits of ours. */
const hostPool = (): pg.Pool => new pg.Pool({ connectionString: services.postgres ?? '' });

const KINDS: readonly Kind[] = [
  {
    name: 'memory',
    missing: false,
    open: async () => ({ database: memoryDatabase(), close: async () => undefined }),
  },
  ...DATABASES.map((kind) => sql(kind)),
  ...DATABASES.filter(({ name }) => name === 'PostgreSQL').map((kind) =>
    sql({ ...kind, name: 'PostgreSQL through a pool of the host' }, ({ url: _, ...options }) => ({
      ...options,
      pool: hostPool(),
    })),
  ),
];

describe.each(KINDS)('$name', (kind) => {
  describe.skipIf(kind.missing)('keeps the laws', () => {
    let opened: Awaited<ReturnType<Kind['open']>>;
    beforeAll(async () => {
      opened = await kind.open();
    });
    afterAll(async () => await opened.close());
    it.each(storeContract().map((law) => [law.name, law] as const))(
      '[store] %s',
      async (_name, law) => {
        await law.run(
          opened.database.forIssuer(`https://${randomUUID()}.example`),
          opened.database,
        );
      },
      60_000,
    );
  });
});
