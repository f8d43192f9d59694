/**
 * Whether the server should get traffic: database, schema and signing keys. That the process lives
 * at all needs no more than an answer.
 */
import type { Assembly } from './assemble.ts';

/** The state behind `/readyz`. */
export interface Readiness {
  /** Why the server should get no traffic, or null. */
  problem(): Promise<string | null>;
  /** From now on it should get none. */
  stopping(): void;
}

/** Milliseconds that an answer counts, so that many probes cost the database no more than one. */
const REMEMBERED = 1000;

export function createReadiness({
  database,
  provider,
}: Pick<Assembly, 'database' | 'provider'>): Readiness {
  let stopping = false;
  let last: { readonly at: number; readonly problem: Promise<string | null> } | null = null;
  const look = async (): Promise<string | null> => {
    try {
      if ((await database.pendingMigrations()).length > 0) return 'migrations are pending';
      return (await provider.keys.list()).some(({ state }) => state === 'current')
        ? null
        : 'no signing keys';
    } catch {
      return 'the database does not answer, or the signing keys cannot be opened';
    }
  };
  return {
    async problem() {
      if (stopping) return 'stopping';
      if (last === null || last.at + REMEMBERED < Date.now())
        last = { at: Date.now(), problem: look() };
      return await last.problem;
    },
    stopping() {
      stopping = true;
    },
  };
}
