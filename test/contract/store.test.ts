/** Runs the laws of the store (`storeContract`) on every store. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { type Database, memoryDatabase } from 'valetkey';
import { sqlDatabase } from 'valetkey/sql';
import { sample, storeContract } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES, type DatabaseKind, MIGRATIONS } from '../databases.ts';
import { services } from '../services.ts';

interface Kind {
  readonly name: string;
  readonly missing: boolean;
  open(): Promise<{ readonly database: Database; close(): Promise<void> }>;
}

/** A store on a database of this kind, through a pool of the host if one is given. */
const sql = ({ name, missing, make }: DatabaseKind, hostPool?: () => pg.Pool): Kind => ({
  name: hostPool === undefined ? name : `${name} through a pool of the host`,
  missing,
  async open() {
    const empty = make();
    const pool = hostPool?.();
    const { url: _, ...options } = empty.options;
    const database = sqlDatabase(pool === undefined ? empty.options : { ...options, pool });
    expect(await database.pendingMigrations()).toEqual(MIGRATIONS);
    expect(await database.migrate()).toEqual(MIGRATIONS);
    expect(await database.migrate()).toEqual([]);
    expect((await database.check()).warnings).toEqual([]);
    const close = async (): Promise<void> => {
      await database.close();
      await pool?.end();
      await empty.remove();
    };
    return { database, close };
  },
});

/** A pool as a host configures it: int8 values are strings, and there are no timeouts. */
const hostPool = (): pg.Pool => new pg.Pool({ connectionString: services.postgres ?? '' });

const KINDS: readonly Kind[] = [
  {
    name: 'memory',
    missing: false,
    open: async () => ({ database: memoryDatabase(), close: async () => undefined }),
  },
  ...DATABASES.map((kind) => sql(kind)),
  ...DATABASES.filter(({ name }) => name === 'PostgreSQL').map((kind) => sql(kind, hostPool)),
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
});
