/**
 * The options of `sqlDatabase`: each problem is told with its remedy, and none tells a password.
 */
import { sqlDatabase } from 'valetkey/sql';
import { describe, expect, it } from 'vitest';

function problemsOf(options: Parameters<typeof sqlDatabase>[0]): string {
  try {
    void sqlDatabase(options).close();
    return '';
  } catch (error) {
    return String(error);
  }
}

describe('the URL of a database', () => {
  it.each(['oracle://u:secret@host/db', 'sqlite:', ''])('is refused: %s', (url) => {
    expect(problemsOf({ url })).toContain('must be the URL of a database: SQLite, PostgreSQL');
  });
  it.each([
    'postgres://u:s#secret@host/db',
    'postgres://u:s/secret@host/db',
    'postgres://u:secret@[::bad/db',
    'postgres://u:s%secret@host/db',
    'mysql://u:secret%@host/db',
  ])('ST-02 is refused without its password where that is not encoded: %s', (url) => {
    const problems = problemsOf({ url });
    expect(problems).toContain('Percent-encode');
    expect(problems).not.toContain('secret');
  });
  it.each(['ssl-mode=REQUIRED', 'sslmode=require', 'useSSL=true'])(
    'of MariaDB is refused with an option for TLS that its driver ignores: %s',
    (option) => {
      expect(problemsOf({ url: `mysql://u:secret@127.0.0.1:1/db?${option}` })).toContain(
        'which would be ignored',
      );
      expect(problemsOf({ url: 'mysql://u:p@127.0.0.1:1/db?ssl=%7B%7D' })).toBe('');
    },
  );
  it('is taken with an encoded password', () => {
    expect(problemsOf({ url: 'postgres://u:s%23secret@127.0.0.1:1/db' })).toBe('');
  });
});
