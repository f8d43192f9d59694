/**
 * `valetkey/accounts`: an implementation of the port `Accounts` that stores people and their
 * passwords in the same database as the provider. Passwords are stored as hashes, made in
 * `password-hasher.ts`. Checking an unknown username takes as long as checking a wrong password, so
 * the time does not reveal which usernames exist. Rate limits are left to the core.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Account, Accounts } from 'valetkey';
import {
  type AccountRow,
  type AccountRows,
  type AccountsDatabase,
  accountRows,
} from './account-rows.ts';
import { checkClaims, verifiedEmail } from './claims.ts';
import { createHasher, type PasswordHasher } from './password-hasher.ts';
import { type AccountsMigration, accountsMigrations } from './tables.ts';

export type { AccountsDatabase } from './account-rows.ts';
export { STANDARD_CLAIMS } from './claims.ts';
export { createHasher, type PasswordHasher } from './password-hasher.ts';
export { type AccountsMigration, accountsMigrations };

/** A new account. */
export interface NewAccount {
  /** 1 to 255 printable characters. Stored in NFKC, trimmed, lower case. */
  readonly username: string;
  /** 8 to 128 characters, counted in NFKC. */
  readonly password: string;
  /**
   * Standard claims (`STANDARD_CLAIMS`), and claims of your own by any other name except `sub`.
   * @default {}
   */
  readonly claims?: Readonly<Record<string, unknown>>;
  /**
   * Subject identifier: 1 to 255 printable ASCII characters without spaces. Do not use the
   * username, because a username may change.
   * @default a random one
   */
  readonly sub?: string;
}

/** An account as operators see it. */
export interface AccountInfo extends Account {
  /** The username as stored: NFKC, trimmed, lower case. */
  readonly username: string;
  /** When the account was created, in seconds since 1970. */
  readonly createdAt: number;
}

/** Accounts with passwords. */
export interface PasswordAccounts extends Accounts {
  /**
   * Proves a username, or the verified e-mail address of one account, and a password; null if they
   * are wrong. The spelling of names is ignored.
   */
  authenticate: NonNullable<Accounts['authenticate']>;
  /** `urn:valetkey:acr:password`: the context that a login with a password reaches. */
  readonly acrValues: readonly string[];
  /** The stored spelling of a username, also for the e-mail address of its account. */
  canonical: NonNullable<Accounts['canonical']>;
  /**
   * Creates an enabled account.
   * @throws AccountError when the username or `sub` is taken or not allowed, when `sub` belonged to
   * a deleted account, when the password is too short or too long, or when a claim has the wrong
   * type
   */
  create(account: NewAccount): Promise<AccountInfo>;
  /** The account with this username, in any spelling; null if there is none. */
  findByUsername(username: string): Promise<AccountInfo | null>;
  /** At most `limit` accounts, ordered by username, after the username `after` (exclusive). */
  list(page: { readonly after?: string; readonly limit: number }): Promise<readonly AccountInfo[]>;
  /**
   * Replaces the password. False if there is no such account. It ends no sessions: do that with
   * `provider.subjects.revoke(sub)`.
   * @throws AccountError when the password is too short or too long
   */
  setPassword(sub: string, password: string): Promise<boolean>;
  /**
   * Enables or disables an account. False if there is no such account. It ends no sessions: do that
   * with `provider.subjects.revoke(sub)`.
   */
  setEnabled(sub: string, enabled: boolean): Promise<boolean>;
  /**
   * Replaces all claims. False if there is no such account.
   * @throws AccountError when a claim has the wrong type
   */
  updateClaims(sub: string, claims: Readonly<Record<string, unknown>>): Promise<boolean>;
  /**
   * Deletes an account. False if there is no such account. No other account gets its subject. It
   * ends no sessions and withdraws nothing: do that with `provider.subjects.delete(sub)`.
   */
  delete(sub: string): Promise<boolean>;
}

/** An account cannot be stored as asked. The message says why, and is safe to show. */
export class AccountError extends Error {
  /** Always `AccountError`. */
  override readonly name = 'AccountError';
}

const SHORTEST_PASSWORD = 8;
const LONGEST_PASSWORD = 128;

/** The one spelling under which a username is stored: NFKC, trimmed, lower case. */
function canonicalName(username: string): string {
  return username.normalize('NFKC').trim().toLowerCase();
}

/**
 * The accounts of one issuer.
 * @param options.sql the database, with the table of `accountsMigrations`
 * @param options.issuer the issuer of the provider; every issuer on a database has its own accounts
 * @param options.hasher makes and checks password hashes; `createHasher()` by default
 * @param options.clock the current time in seconds since 1970; the system clock by default
 */
export function passwordAccounts(options: {
  readonly sql: AccountsDatabase;
  readonly issuer: string;
  readonly hasher?: PasswordHasher;
  readonly clock?: () => number;
}): PasswordAccounts {
  const tenant = options.sql.tenantOf(options.issuer);
  const rows = accountRows(options.sql, tenant);
  const hasher = options.hasher ?? createHasher();
  const now = options.clock ?? (() => Math.floor(Date.now() / 1000));
  const authenticate = passwordCheck(rows, hasher);
  const change = async (sub: string, changes: Partial<AccountRow>): Promise<boolean> =>
    await rows.update(sub, { ...changes, updated_at: now() });

  return {
    acrValues: [PASSWORD_CONTEXT],
    canonical: async (typed) => (await findTyped(rows, typed))?.username ?? canonicalName(typed),
    find: async (sub) => infoOrNull(await rows.findBySub(sub)),
    authenticate,
    async create({ username, password, claims = {}, sub = randomBytes(16).toString('base64url') }) {
      const name = canonicalName(username);
      checkNames(name, sub);
      const row = {
        tenant,
        sub,
        username: name,
        password: await hashOf(hasher, password),
        enabled: 1,
        claims: JSON.stringify(accepted(claims)),
        email: await emailFor(rows, sub, claims),
        created_at: now(),
        updated_at: now(),
      };
      // OIDC Core §2: a subject identifier is never reassigned.
      if (name.includes('@') && (await rows.isEmailOf(name, sub)))
        throw new AccountError(`${username} is the e-mail address of another account.`);
      if (await rows.wasDeleted(sub))
        throw new AccountError(`The subject ${sub} belonged to an account that was deleted.`);
      if (await rows.insert(row)) return infoOf(row);
      const isNameFree = (await rows.findByName(name)) === undefined;
      throw new AccountError(
        isNameFree
          ? `The subject ${sub} is taken: leave it out to get a random one.`
          : `The username ${username} is taken: choose another, or change that account.`,
      );
    },
    findByUsername: async (username) => infoOrNull(await rows.findByName(canonicalName(username))),
    list: async ({ after, limit }) =>
      (await rows.list({ ...(after !== undefined && { after: canonicalName(after) }), limit })).map(
        infoOf,
      ),
    setPassword: async (sub, password) =>
      await change(sub, { password: await hashOf(hasher, password) }),
    setEnabled: async (sub, enabled) => await change(sub, { enabled: enabled ? 1 : 0 }),
    updateClaims: async (sub, claims) =>
      await change(sub, {
        claims: JSON.stringify(accepted(claims)),
        email: await emailFor(rows, sub, claims),
      }),
    delete: async (sub) => await rows.delete(sub, now()),
  };
}

/** The account of what was typed: its username, or its e-mail address. The username wins. */
async function findTyped(rows: AccountRows, typed: string): Promise<AccountRow | undefined> {
  const name = canonicalName(typed);
  if (!name.includes('@')) return await rows.findByName(name);
  // Both, so that the number of queries does not tell which names exist.
  const [named, mailed] = await Promise.all([rows.findByName(name), rows.findByEmail(name)]);
  return named ?? mailed;
}

/** The address by which an account can sign in: not one that is the username of another. */
async function emailFor(
  rows: AccountRows,
  sub: string,
  claims: Readonly<Record<string, unknown>>,
): Promise<string | null> {
  const email = verifiedEmail(claims);
  const named = email === null ? undefined : await rows.findByName(email);
  return named === undefined || named.sub === sub ? email : null;
}

/** The authentication context of a login with a password (OIDC Core §2). */
const PASSWORD_CONTEXT = 'urn:valetkey:acr:password';

/** Proves a username and a password, in a time that does not depend on whether the name exists. */
function passwordCheck(
  rows: AccountRows,
  hasher: PasswordHasher,
): PasswordAccounts['authenticate'] {
  let decoy: Promise<string> | null = null;
  return async ({ username, password }) => {
    const began = performance.now();
    const row = await findTyped(rows, username);
    const normal = password.normalize('NFKC');
    // An unknown name is checked against a decoy hash, so that it takes as long as a known one.
    decoy ??= hasher.hash(randomBytes(16).toString('hex'));
    const hash = row?.password ?? (await decoy);
    const isRight = normal.length <= LONGEST_PASSWORD && (await hasher.verify(hash, normal));
    if (row === undefined || !isRight) {
      // Hashes of several kinds may be stored, and they take different times. Every failed
      // attempt takes as long as the slowest kind, so that the time does not reveal a username.
      await pause(Math.max(0, began + hasher.slowest() - performance.now()));
      return null;
    }
    if (hasher.isOutdated(hash)) await rows.replaceHash(row, await hasher.hash(normal));
    return { account: infoOf(row), amr: ['pwd'], acr: PASSWORD_CONTEXT };
  };
}

function infoOf(row: AccountRow): AccountInfo {
  return {
    sub: row.sub,
    username: row.username,
    enabled: row.enabled === 1,
    claims: {
      preferred_username: row.username,
      ...(JSON.parse(row.claims) as Record<string, unknown>),
      updated_at: row.updated_at,
    },
    createdAt: row.created_at,
  };
}

function infoOrNull(row: AccountRow | undefined): AccountInfo | null {
  return row === undefined ? null : infoOf(row);
}

function checkNames(name: string, sub: string): void {
  // Joiners are part of names in some scripts, and of emoji.
  if (!/^[^\p{C}]([^\p{C}]|[\u200c\u200d](?!$)){0,254}$/u.test(name))
    throw new AccountError('The username must be 1 to 255 printable characters.');
  if (!/^[\x21-\x7e]{1,255}$/.test(sub))
    throw new AccountError(
      'The subject must be 1 to 255 printable ASCII characters without spaces.',
    );
}

async function hashOf(hasher: PasswordHasher, password: string): Promise<string> {
  const normal = password.normalize('NFKC');
  if (normal.length < SHORTEST_PASSWORD || normal.length > LONGEST_PASSWORD) {
    throw new AccountError(
      `The password must have ${SHORTEST_PASSWORD} to ${LONGEST_PASSWORD} characters.`,
    );
  }
  return await hasher.hash(normal);
}

function accepted(claims: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const problem = checkClaims(claims);
  if (problem !== null) throw new AccountError(problem);
  return claims;
}
