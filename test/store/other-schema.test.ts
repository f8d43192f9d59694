/** A database whose tables are missing, or of another version: 503, and the remedy is told. */
import { createProvider, type Provider } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { type SqlDatabase, sqlDatabase } from 'valetkey/sql';
import { memoryAccounts } from 'valetkey/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DATABASES, type EmptyDatabase } from '../databases.ts';
import { SIGNING_KEYS } from '../spec/setup.ts';

const REMEDY = /tables of the database are missing, or those of another version\. Run/;

describe.each(DATABASES)('$name', ({ make, missing }) => {
  let empty: EmptyDatabase;
  let database: SqlDatabase;
  let errors: string[];
  let provider: Provider;

  beforeEach(() => {
    empty = make();
    database = sqlDatabase(empty.options);
    errors = [];
    provider = createProvider({
      issuer: 'https://op.example',
      store: database,
      secret: 'a secret of at least thirty-two characters',
      accounts: memoryAccounts([]),
      pages: builtInPages(),
      signingKeys: SIGNING_KEYS,
      logger: {
        info: () => undefined,
        warn: () => undefined,
        error: (facts) => errors.push((facts as { error: Error }).error.message),
      },
    });
  });
  afterEach(async () => {
    await database.close();
    await empty.remove();
  });
  const ask = async (): Promise<[number, string | null]> => {
    const query = 'client_id=x&response_type=code';
    const response = await provider.fetch(new Request(`${provider.url('authorize')}?${query}`));
    return [response.status, response.headers.get('retry-after')];
  };

  it.skipIf(missing)(
    'D-1 without tables every request is answered with 503, and the log says how to make them',
    async () => {
      expect(await ask()).toEqual([503, '1']);
      expect(errors).toEqual([expect.stringMatching(REMEDY)]);
      await database.migrate();
      expect((await ask())[0]).toBe(400);
    },
  );
  it.skipIf(missing)('D-1 with the tables of an older version as well', async () => {
    await database.migrate();
    await database.kysely.schema.alterTable('clients').dropColumn('data').execute();
    expect(await ask()).toEqual([503, '1']);
    expect(errors).toEqual([expect.stringMatching(REMEDY)]);
  });
});
