/**
 * Empty databases for tests that need one of their own: a SQLite file, or a schema on the
 * PostgreSQL server of the test run.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SqlOptions, sqlDatabase } from 'valetkey/sql';
import { services } from './services.ts';

export interface EmptyDatabase {
  readonly options: SqlOptions;
  remove(): Promise<void>;
}

export interface DatabaseKind {
  readonly name: string;
  readonly missing: boolean;
  make(): EmptyDatabase;
}

function sqliteFile(): EmptyDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-sqlite-'));
  return {
    options: { url: `sqlite:${join(folder, 'test.db')}` },
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

function postgresSchema(): EmptyDatabase {
  const schema = `test_${randomBytes(6).toString('hex')}`;
  const options = { url: services.postgres ?? '', schema };
  return {
    options,
    async remove() {
      const database = sqlDatabase(options);
      await database.kysely.schema.dropSchema(schema).ifExists().cascade().execute();
      await database.close();
    },
  };
}

function mariadbDatabase(): EmptyDatabase {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const administer = (statement: string): void => {
    const { hostname, port, username, password } = new URL(services.mariadb ?? '');
    const account = [`-h${hostname}`, `-P${port}`, `-u${username}`, `-p${password}`];
    execFileSync('mariadb', ['--no-defaults', ...account, '-e', statement]);
  };
  if (services.mariadb !== null) administer(`create database ${name}`);
  return {
    options: { url: Object.assign(new URL(services.mariadb ?? ''), { pathname: `/${name}` }).href },
    remove: async () => administer(`drop database ${name}`),
  };
}

/** Names of the migrations of the store, in the order in which they are applied. */
export const MIGRATIONS: readonly string[] = [
  '0001-first-tables',
  '0002-one-time-records',
  '0003-disabled-clients',
  '0004-places-of-attempts',
  '0005-numbered-revocations',
  '0006-clients-that-register-themselves',
  '0007-deliveries',
  '0008-resources',
];

export const DATABASES: readonly DatabaseKind[] = [
  { name: 'SQLite', missing: false, make: sqliteFile },
  { name: 'PostgreSQL', missing: services.postgres === null, make: postgresSchema },
  { name: 'MariaDB', missing: services.mariadb === null, make: mariadbDatabase },
];
