/**
 * Readiness of the server: it gets traffic while the database answers, no migration is pending and
 * a signing key is current. Liveness needs no check here, because any answer proves it.
 */
import type { Assembly } from './assemble.ts';

/** Decides what `/readyz` answers. */
export interface Readiness {
  /** The reason why the server must not get traffic; null when it is ready. */
  problem(): Promise<string | null>;
  /** Reports from now on that the server is stopping. */
  stopping(): void;
}

/** Milliseconds for which a result is reused, so that frequent probes do not load the database. */
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
