/**
 * `valetkey/accounts`: people with passwords, in the same database as everything else. Passwords
 * rest as Argon2id or scrypt hashes; an unknown name takes as long as a wrong password.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Account, Accounts } from 'valetkey';
import { checkClaims } from './claims.ts';
import { createHasher, type PasswordHasher } from './password-hasher.ts';
import { ACCOUNTS_TABLE, type AccountTables, accountsMigrations } from './tables.ts';

export { STANDARD_CLAIMS } from './claims.ts';
export { createHasher, type PasswordHasher } from './password-hasher.ts';
export { accountsMigrations };

/** What this part needs of a database: `sqlDatabase(…)` with `migrations: accountsMigrations`. */
export interface AccountsDatabase {
  // biome-ignore lint/suspicious/noExplicitAny: any tables will do, and Kysely is invariant in them
  readonly kysely: Kysely<any>;
  /** Which rows are an issuer's. */
  tenantOf(issuer: string): string;
}

/** A new account. */
export interface NewAccount {
  readonly username: string;
  readonly password: string;
  /** Standard claims and any of your own. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Default: random. Never the username, which may change. */
  readonly sub?: string;
}

/** An account as operators see it. */
export interface AccountInfo extends Account {
  readonly username: string;
  readonly createdAt: number;
}

/** Accounts with passwords. */
export interface PasswordAccounts extends Accounts {
  authenticate: NonNullable<Accounts['authenticate']>;
  canonical: NonNullable<Accounts['canonical']>;
  /**
   * @throws AccountError when the name is taken, the password unfit or a claim of the wrong kind
   */
  create(account: NewAccount): Promise<AccountInfo>;
  /** However the name is spelt; null when there is none. */
  findByUsername(username: string): Promise<AccountInfo | null>;
  /** In order of username. */
  list(page: { readonly after?: string; readonly limit: number }): Promise<readonly AccountInfo[]>;
  /** False when there is no such account. End its sessions with `provider.subjects.revoke(sub)`. */
  setPassword(sub: string, password: string): Promise<boolean>;
  /** False when there is no such account. End its sessions with `provider.subjects.revoke(sub)`. */
  setEnabled(sub: string, enabled: boolean): Promise<boolean>;
  /** Replaces all claims. False when there is no such account. */
  updateClaims(sub: string, claims: Readonly<Record<string, unknown>>): Promise<boolean>;
  /** False when there was none. End its sessions with `provider.subjects.revoke(sub)`. */
  delete(sub: string): Promise<boolean>;
}

/** Something about an account is not acceptable; the message says what and why. */
export class AccountError extends Error {
  override readonly name = 'AccountError';
}

const SHORTEST_PASSWORD = 8;
const LONGEST_PASSWORD = 128;

/** One spelling per name: NFKC, trimmed, lower case. */
function canonicalName(username: string): string {
  return username.normalize('NFKC').trim().toLowerCase();
}

/**
 * The accounts of one issuer.
 * @param options.issuer the provider's; another issuer on the same database has accounts of its own
 */
export function passwordAccounts(options: {
  readonly sql: AccountsDatabase;
  readonly issuer: string;
  readonly hasher?: PasswordHasher;
  readonly clock?: () => number;
}): PasswordAccounts {
  const db = options.sql.kysely as Kysely<AccountTables>;
  const tenant = options.sql.tenantOf(options.issuer);
  const hasher = options.hasher ?? createHasher();
  const now = options.clock ?? (() => Math.floor(Date.now() / 1000));
  let decoy: Promise<string> | null = null;

  const read = (row: AccountTables['accounts']): AccountInfo => ({
    sub: row.sub,
    username: row.username,
    enabled: row.enabled === 1,
    claims: {
      preferred_username: row.username,
      ...(JSON.parse(row.claims) as Record<string, unknown>),
      updated_at: row.updated_at,
    },
    createdAt: row.created_at,
  });
  const rows = () => db.selectFrom(ACCOUNTS_TABLE).selectAll().where('tenant', '=', tenant);
  const byName = async (username: string): Promise<AccountTables['accounts'] | undefined> =>
    await rows().where('username', '=', canonicalName(username)).executeTakeFirst();
  const change = async (
    sub: string,
    changes: Partial<AccountTables['accounts']>,
  ): Promise<boolean> => {
    const result = await db
      .updateTable(ACCOUNTS_TABLE)
      .set({ ...changes, updated_at: now() })
      .where('tenant', '=', tenant)
      .where('sub', '=', sub)
      .executeTakeFirst();
    return result.numUpdatedRows > 0n;
  };

  /** Only in place of the hash that was read: a password changed meanwhile stays changed. */
  const rehash = async (row: AccountTables['accounts'], password: string): Promise<void> => {
    const hash = await hasher.hash(password);
    await db
      .updateTable(ACCOUNTS_TABLE)
      .set({ password: hash })
      .where('tenant', '=', tenant)
      .where('sub', '=', row.sub)
      .where('password', '=', row.password)
      .execute();
  };

  return {
    canonical: canonicalName,
    async find(sub) {
      const row = await rows().where('sub', '=', sub).executeTakeFirst();
      return row === undefined ? null : read(row);
    },
    async authenticate({ username, password }) {
      const began = performance.now();
      const row = await byName(username);
      // An unknown name is checked against a hash as well, so that it takes as long.
      decoy ??= hasher.hash(randomBytes(16).toString('hex'));
      const hash = row?.password ?? (await decoy);
      const right =
        password.length <= LONGEST_PASSWORD &&
        (await hasher.verify(hash, password.normalize('NFKC')));
      if (row === undefined || !right) {
        // Hashes of several kinds may be stored: who fails waits as long as the slowest takes,
        // whoever they said they were.
        await pause(Math.max(0, began + hasher.slowest() - performance.now()));
        return null;
      }
      if (hasher.isOutdated(hash)) await rehash(row, password.normalize('NFKC'));
      return { account: read(row), amr: ['pwd'] };
    },
    async create({ username, password, claims = {}, sub = randomBytes(16).toString('base64url') }) {
      const name = canonicalName(username);
      if (!/^[^\p{C}]{1,255}$/u.test(name))
        throw new AccountError('The username is 1 to 255 printable characters.');
      if (!/^[\x21-\x7e]{1,255}$/.test(sub))
        throw new AccountError('The subject is 1 to 255 printable ASCII characters.');
      const row = {
        tenant,
        sub,
        username: name,
        password: await hashOf(hasher, password),
        enabled: 1,
        claims: JSON.stringify(accepted(claims)),
        created_at: now(),
        updated_at: now(),
      };
      const result = await db
        .insertInto(ACCOUNTS_TABLE)
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      if ((result.numInsertedOrUpdatedRows ?? 0n) === 0n) {
        const taken = (await byName(name)) === undefined ? `subject ${sub}` : `username ${name}`;
        throw new AccountError(`The ${taken} is taken.`);
      }
      return read(row);
    },
    async findByUsername(username) {
      const row = await byName(username);
      return row === undefined ? null : read(row);
    },
    async list({ after, limit }) {
      let query = rows().orderBy('username').limit(limit);
      if (after !== undefined) query = query.where('username', '>', canonicalName(after));
      return (await query.execute()).map(read);
    },
    setPassword: async (sub, password) =>
      await change(sub, { password: await hashOf(hasher, password) }),
    setEnabled: async (sub, enabled) => await change(sub, { enabled: enabled ? 1 : 0 }),
    updateClaims: async (sub, claims) =>
      await change(sub, { claims: JSON.stringify(accepted(claims)) }),
    async delete(sub) {
      const result = await db
        .deleteFrom(ACCOUNTS_TABLE)
        .where('tenant', '=', tenant)
        .where('sub', '=', sub)
        .executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

async function hashOf(hasher: PasswordHasher, password: string): Promise<string> {
  const normal = password.normalize('NFKC');
  if (normal.length < SHORTEST_PASSWORD || normal.length > LONGEST_PASSWORD) {
    throw new AccountError(
      `The password has ${SHORTEST_PASSWORD} to ${LONGEST_PASSWORD} characters.`,
    );
  }
  return await hasher.hash(normal);
}

function accepted(claims: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const problem = checkClaims(claims);
  if (problem !== null) throw new AccountError(problem);
  return claims;
}
