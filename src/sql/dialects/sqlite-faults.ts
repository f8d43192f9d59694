/** What the errors of SQLite mean, from both of its drivers. */
import type { Faults } from '../dialect.ts';

const GONE = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|PROTOCOL)/;
/** A transaction that read before it wrote, and whose picture of the data is stale. */
const STALE_SNAPSHOT = 'SQLITE_BUSY_SNAPSHOT';

const NAMES: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  15: 'SQLITE_PROTOCOL',
  517: STALE_SNAPSHOT,
};

export const SQLITE_FAULTS: Faults = {
  // node:sqlite reports SQLite's own numbers; the low byte is the primary result code.
  codeOf(error) {
    const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown };
    if (code !== 'ERR_SQLITE_ERROR' || typeof errcode !== 'number') return null;
    return NAMES[errcode] ?? NAMES[errcode % 256] ?? `SQLITE_${errcode}`;
  },
  mayRepeat: (code) => code === STALE_SNAPSHOT,
  // The second is what node:sqlite says of a database that was closed.
  isGone: (code) => GONE.test(code) || code === 'ERR_INVALID_STATE',
  isOtherSchema: (_code, error) =>
    error instanceof Error && /no such (table|column)|has no column named/.test(error.message),
  isRefused: () => false,
  isMissingDatabase: () => false,
  isLimit: () => false,
};
