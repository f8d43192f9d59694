/** What the errors of MariaDB and MySQL mean, by the names that `mysql2` gives them. */
import type { Faults } from '../dialect.ts';

const GONE =
  /^(PROTOCOL_|POOL_|ER_(CON_COUNT|ACCESS_DENIED|DBACCESS_DENIED|BAD_DB|BAD_HOST|HOST_|LOCK_WAIT|OPTION_PREVENTS|QUERY_TIMEOUT|STATEMENT_TIMEOUT|QUERY_INTERRUPTED|SERVER_SHUTDOWN|DISK_FULL|RECORD_FILE_FULL|READ_ONLY|UNKNOWN_COM|NEW_ABORTING|CONNECTION_KILLED|TOO_MANY))/;
/** An error of MariaDB that MySQL does not have, so that its name depends on the driver. */
const MARIADB_STATEMENT_TIMEOUT = 1969;
const LIMITS = ['ER_STATEMENT_TIMEOUT', 'ER_LOCK_WAIT_TIMEOUT'];

export const MYSQL_FAULTS: Faults = {
  codeOf: (error) =>
    (error as { readonly errno?: unknown }).errno === MARIADB_STATEMENT_TIMEOUT
      ? 'ER_STATEMENT_TIMEOUT'
      : null,
  // Galera calls a conflict between two servers a deadlock as well.
  mayRepeat: (code) => code === 'ER_LOCK_DEADLOCK',
  isGone: (code) => GONE.test(code),
  isOtherSchema: (code) => ['ER_NO_SUCH_TABLE', 'ER_BAD_FIELD_ERROR'].includes(code),
  isRefused: (code) => /^ER_(DB)?ACCESS_DENIED/.test(code),
  isMissingDatabase: (code) => code === 'ER_BAD_DB_ERROR',
  isLimit: (code) => LIMITS.includes(code),
};
