/**
 * Accounts in memory for demonstrations and tests: passwords are compared as digests, which is no
 * way to keep real ones.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Account, Accounts } from 'valetkey';

/** One person. */
export interface MemoryAccount {
  readonly sub: string;
  readonly username: string;
  readonly password: string;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Accounts, and the switch tests need. */
export interface MemoryAccounts extends Accounts {
  setEnabled(sub: string, enabled: boolean): void;
}

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
