/** Runs the laws of the store (`storeContract`) on every store. */
import { randomUUID } from 'node:crypto';
import mysql from 'mysql2';
import pg from 'pg';
import { type Database, memoryDatabase } from 'valetkey';
import { type SqlOptions, sqlDatabase } from 'valetkey/sql';
import { sample, storeContract, withFamily } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES, type DatabaseKind, MIGRATIONS } from '../databases.ts';

interface Kind {
  readonly name: string;
  readonly missing: boolean;
  open(): Promise<{ readonly database: Database; close(): Promise<void> }>;
}

/** Opens a pool as a host does. */
type HostPool = (url: string) => {
  readonly pool: NonNullable<SqlOptions['pool']>;
  end(): Promise<void>;
};

/** A store on a database of this kind, through a pool of the host if one is given. */
const sql = ({ name, missing, make }: DatabaseKind, hostPool?: HostPool): Kind => ({
  name: hostPool === undefined ? name : `${name} through a pool of the host`,
  missing,
  async open() {
    const empty = make();
    const { url, ...options } = empty.options;
    const host = hostPool?.(url ?? '');
    const database = sqlDatabase(
      host === undefined ? empty.options : { ...options, pool: host.pool },
    );
    expect(await database.pendingMigrations()).toEqual(MIGRATIONS);
    expect(await database.migrate()).toEqual(MIGRATIONS);
    expect(await database.migrate()).toEqual([]);
    expect((await database.check()).warnings).toEqual([]);
    const close = async (): Promise<void> => {
      await database.close();
      await host?.end();
      await empty.remove();
    };
    return { database, close };
  },
});

/** Pools as hosts configure them: large numbers are strings, and there are no timeouts. */
const HOST_POOLS: Readonly<Record<string, HostPool>> = {
  PostgreSQL(url) {
    const pool = new pg.Pool({ connectionString: url });
    return { pool, end: async () => await pool.end() };
  },
  // It also counts only rows that a write changed.
  MariaDB(url) {
    const strings = { supportBigNumbers: true, bigNumberStrings: true };
    const pool = mysql.createPool({ uri: url, flags: ['-FOUND_ROWS'], ...strings });
    return { pool, end: async () => await pool.promise().end() };
  },
};

const KINDS: readonly Kind[] = [
  {
    name: 'memory',
    missing: false,
    open: async () => ({ database: memoryDatabase(), close: async () => undefined }),
  },
  ...DATABASES.map((kind) => sql(kind)),
  ...DATABASES.filter(({ name }) => name in HOST_POOLS).map((kind) =>
    sql(kind, HOST_POOLS[kind.name]),
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

describe.each(DATABASES)('$name', (kind) => {
  it.skipIf(kind.missing)(
    '[store] two prefixes keep two sets of tables apart in one schema',
    async () => {
      const empty = kind.make();
      const [one, two] = ['one_', 'two_'].map((prefix) =>
        sqlDatabase({ ...empty.options, prefix }),
      );
      for (const database of [one, two]) await database?.migrate();
      const client = sample.client();
      const issuer = `https://${randomUUID()}.example`;
      expect(await one?.forIssuer(issuer).clients.insert(client, null)).toBe(true);
      expect(await two?.forIssuer(issuer).clients.find(client.clientId)).toBeNull();
      for (const database of [one, two]) await database?.close();
      await empty.remove();
    },
  );
  it.skipIf(kind.missing)(
    '[store] a client that was disabled before the schema knew it is disabled for its tokens',
    async () => {
      const empty = kind.make();
      const database = sqlDatabase(empty.options);
      await database.migrate();
      const store = database.forIssuer(`https://${randomUUID()}.example`);
      const [disabled, enabled] = [await withFamily(store), await withFamily(store)];
      const client = {
        ...sample.client(disabled.facts.clientId),
        disabledAt: 1_800_000_000,
        version: 2,
      };
      expect(await store.clients.replace(client, null)).toBe(true);
      const { kysely } = database;
      await kysely.schema.alterTable('clients').dropColumn('disabled_at').execute();
      await kysely.deleteFrom('migrations').where('name', '=', '0003-disabled-clients').execute();
      expect(await database.migrate()).toEqual(['0003-disabled-clients']);
      const found = [disabled, enabled].map(
        async ({ family }) => (await store.tokens.findFamily(family.id))?.clientVersion !== null,
      );
      expect(await Promise.all(found)).toEqual([false, true]);
      await database.close();
      await empty.remove();
    },
  );
});
