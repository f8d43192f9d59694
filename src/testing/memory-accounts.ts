/**
 * Accounts in memory, for demonstrations and tests only: the passwords are kept in clear text and
 * are lost when the process ends. Real accounts are in `valetkey/accounts`.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Account, Accounts } from 'valetkey';

/** One person. */
export interface MemoryAccount {
  /** Subject identifier. */
  readonly sub: string;
  /** Name for the login page. Upper and lower case are the same. */
  readonly username: string;
  /** Password for the login page, in clear text. */
  readonly password: string;
  /**
   * Claims of the person, by name.
   * @default {}
   */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Accounts in memory, with a switch for tests. */
export interface MemoryAccounts extends Accounts {
  /** Enables or disables an account. All are enabled at first. */
  setEnabled(sub: string, enabled: boolean): void;
}

/** Accounts of these people, for `Config.accounts`. */
export function memoryAccounts(people: readonly MemoryAccount[]): MemoryAccounts {
  const disabled = new Set<string>();
  const account = (person: MemoryAccount): Account => ({
    sub: person.sub,
    enabled: !disabled.has(person.sub),
    claims: person.claims ?? {},
  });
  return {
    async find(sub) {
      const person = people.find((one) => one.sub === sub);
      return person === undefined ? null : account(person);
    },
    async authenticate({ username, password }) {
      const person = people.find((one) => one.username.toLowerCase() === username.toLowerCase());
      const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
      const right = timingSafeEqual(digest(password), digest(person?.password ?? ''));
      return person !== undefined && right ? { account: account(person), amr: ['pwd'] } : null;
    },
    setEnabled(sub, enabled) {
      if (enabled) disabled.delete(sub);
      else disabled.add(sub);
    },
  };
}
