/**
 * The first tables. Keys and short words are `varchar`, values that may be long are `text`, times
 * in seconds are `bigint`. Applied migrations never change: later changes are later files.
 */
import type { CreateTableBuilder, Kysely } from 'kysely';
import type { Migration } from '../migration.ts';

type Builder = CreateTableBuilder<string, never>;
type Column = [
  name: string,
  type: 'bigint' | 'integer' | 'text' | `varchar(${number})`,
  nullable?: 'null',
];

const ENTITLEMENT: Column[] = [
  ['client_id', 'varchar(255)'],
  ['sub', 'varchar(255)'],
  ['authorization_id', 'varchar(43)', 'null'],
  ['sid', 'varchar(43)', 'null'],
  ['scopes', 'text'],
  ['auth_time', 'bigint', 'null'],
  ['amr', 'text'],
  ['acr', 'varchar(255)', 'null'],
];

/**
 * Each table: its name, the second column of its primary key (the first is `tenant`), its columns,
 * and its other indexes.
 */
const TABLES: [
  name: string,
  key: string | null,
  columns: Column[],
  indexes: [suffix: string, columns: string[], unique?: 'unique'][],
][] = [
  [
    'issuers',
    null,
    [
      ['issuer', 'text'],
      ['created_at', 'bigint'],
    ],
    [],
  ],
  [
    'clients',
    'client_id',
    [
      ['client_id', 'varchar(255)'],
      ['owner', 'varchar(255)', 'null'],
      ['version', 'integer'],
      ['data', 'text'],
    ],
    [],
  ],
  [
    'sessions',
    'handle',
    [
      ['handle', 'varchar(43)'],
      ['sid', 'varchar(43)'],
      ['sub', 'varchar(255)'],
      ['auth_time', 'bigint'],
      ['amr', 'text'],
      ['acr', 'varchar(255)', 'null'],
      ['created_at', 'bigint'],
      ['seen_at', 'bigint'],
      ['expires_at', 'bigint'],
    ],
    [
      ['sub', ['tenant', 'sub']],
      ['expiry', ['expires_at']],
    ],
  ],
  [
    'subjects',
    'sub',
    [
      ['sub', 'varchar(255)'],
      ['revoked_at', 'bigint'],
    ],
    [],
  ],
  [
    'authorizations',
    'id',
    [
      ['id', 'varchar(43)'],
      ['sub', 'varchar(255)'],
      ['client_id', 'varchar(255)'],
      ['scopes', 'text'],
      ['created_at', 'bigint'],
      ['updated_at', 'bigint'],
    ],
    [
      ['pair', ['tenant', 'sub', 'client_id'], 'unique'],
      ['client', ['tenant', 'client_id']],
    ],
  ],
  [
    'codes',
    'digest',
    [
      ['digest', 'varchar(43)'],
      ...ENTITLEMENT,
      ['redirect_uri', 'text', 'null'],
      ['code_challenge', 'varchar(43)', 'null'],
      ['nonce', 'text', 'null'],
      ['created_at', 'bigint'],
      ['expires_at', 'bigint'],
      ['failed_attempts', 'integer'],
      ['redeemed_at', 'bigint', 'null'],
      ['family_id', 'varchar(43)', 'null'],
    ],
    [
      ['sub', ['tenant', 'sub']],
      ['expiry', ['expires_at']],
    ],
  ],
  [
    'families',
    'id',
    [
      ['id', 'varchar(43)'],
      ...ENTITLEMENT,
      ['offline', 'integer'],
      ['created_at', 'bigint'],
      ['refresh_digest', 'varchar(43)', 'null'],
      ['refresh_expires_at', 'bigint', 'null'],
      ['previous_digest', 'varchar(43)', 'null'],
      ['sealed_successor', 'text', 'null'],
      ['rotated_at', 'bigint', 'null'],
      ['expires_at', 'bigint'],
      ['revoked_at', 'bigint', 'null'],
    ],
    [
      ['sub', ['tenant', 'sub']],
      ['expiry', ['expires_at']],
    ],
  ],
  [
    'access_tokens',
    'digest',
    [
      ['digest', 'varchar(43)'],
      ['family_id', 'varchar(43)', 'null'],
      ['authorization_id', 'varchar(43)', 'null'],
      ['client_id', 'varchar(255)'],
      ['sub', 'varchar(255)', 'null'],
      ['sid', 'varchar(43)', 'null'],
      ['scopes', 'text'],
      ['issued_at', 'bigint'],
      ['expires_at', 'bigint'],
    ],
    [['expiry', ['expires_at']]],
  ],
  [
    'id_tokens',
    'jti',
    [
      ['jti', 'varchar(43)'],
      ['sub', 'varchar(255)'],
      ['client_id', 'varchar(255)'],
      ['scopes', 'text'],
      ['sid', 'varchar(43)', 'null'],
      ['access_token_digest', 'varchar(43)', 'null'],
      ['issued_at', 'bigint'],
      ['expires_at', 'bigint'],
    ],
    [['expiry', ['expires_at']]],
  ],
  [
    'key_sets',
    null,
    [
      ['version', 'integer'],
      ['keys', 'text'],
    ],
    [],
  ],
  [
    'interactions',
    'handle',
    [
      ['handle', 'varchar(43)'],
      ['sealed', 'text'],
      ['expires_at', 'bigint'],
    ],
    [['expiry', ['expires_at']]],
  ],
  [
    'counters',
    'name',
    [
      ['name', 'varchar(43)'],
      ['count', 'integer'],
      ['reset_at', 'bigint'],
    ],
    [['expiry', ['reset_at']]],
  ],
  [
    'audit',
    'id',
    [
      ['id', 'varchar(43)'],
      ['at', 'bigint'],
      ['type', 'varchar(64)'],
      ['sub', 'varchar(255)', 'null'],
      ['client_id', 'varchar(255)', 'null'],
      ['ip', 'varchar(64)', 'null'],
      ['reason', 'varchar(64)', 'null'],
      ['detail', 'text'],
    ],
    [['time', ['tenant', 'at']]],
  ],
];

export const firstTables: Migration = {
  name: '0001-first-tables',
  async up(db, prefix) {
    for (const [name, key, columns, indexes] of TABLES) {
      await createTable(db, prefix, name, key, columns);
      for (const [suffix, on, unique] of indexes) {
        const index = db.schema
          .createIndex(`${prefix}${name}_${suffix}`)
          .ifNotExists()
          .on(name)
          .columns(on);
        await (unique === undefined ? index : index.unique()).execute();
      }
    }
  },
};

async function createTable(
  db: Kysely<never>,
  prefix: string,
  name: string,
  key: string | null,
  columns: Column[],
): Promise<void> {
  let table = db.schema
    .createTable(name)
    .ifNotExists()
    .addColumn('tenant', 'varchar(11)', (column) => column.notNull()) as unknown as Builder;
  for (const [column, type, nullable] of columns) {
    table = table.addColumn(column, type, (definition) =>
      nullable === undefined ? definition.notNull() : definition,
    ) as unknown as Builder;
  }
  const primary = ['tenant', ...(key === null ? [] : [key])] as never[];
  await (
    table.addPrimaryKeyConstraint(`${prefix}${name}_pk`, primary) as unknown as {
      execute(): Promise<void>;
    }
  ).execute();
}
