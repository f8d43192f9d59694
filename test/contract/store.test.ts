/** The laws of the store, on every store there is. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, memoryDatabase } from 'valetkey';
import { sqlDatabase } from 'valetkey/sql';
import { storeContract } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { services } from '../services.ts';

interface Kind {
  readonly name: string;
  readonly missing: boolean;
  open(): Promise<{ readonly database: Database; close(): Promise<void> }>;
}

const sql = (name: string, url: () => string | null, schema?: string): Kind => ({
  name,
  missing: url() === null,
  async open() {
    const database = sqlDatabase({ url: url() ?? '', ...(schema === undefined ? {} : { schema }) });
    expect(await database.pendingMigrations()).toEqual(['0001-first-tables']);
    expect(await database.migrate()).toEqual(['0001-first-tables']);
    expect(await database.migrate()).toEqual([]);
    expect((await database.check()).warnings).toEqual([]);
    return { database, close: database.close };
  },
});

const folder = mkdtempSync(join(tmpdir(), 'valetkey-store-'));
afterAll(() => rmSync(folder, { recursive: true }));

const KINDS: readonly Kind[] = [
  { name: 'memory', missing: false, open: async () => ({ database: memoryDatabase(), close: async () => undefined }) },
  sql('SQLite', () => `sqlite:${join(folder, 'store.db')}`),
  sql('PostgreSQL', () => services.postgres, 'store_contract'),
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
        await law.run(opened.database.forIssuer(`https://${randomUUID()}.example`), opened.database);
      },
      60_000,
    );
  });
});
