/**
 * What `npm test` has opened for the tests. Each is null when it is not there, and always in the
 * fast run: a test that needs one stands in `describe.skipIf(services.postgres === null)`.
 */
function given(variable: string): string | null {
  return process.env['TEST_SCOPE'] === 'fast' ? null : process.env[variable] || null;
}

export const services = {
  /**
   * The fast run: memory only, no databases (not even files of SQLite), no browser, no network
   * services.
   */
  fast: process.env['TEST_SCOPE'] === 'fast',
  /**
   * Connection string of a superuser on a private server; make a database or a schema of your own
   * there.
   */
  postgres: given('TEST_POSTGRES_URL'),
  /** Path of the Chromium binary. */
  chromium: given('TEST_CHROMIUM'),
  /** Path of the apache2 binary; mod_auth_openidc stands among its modules. */
  apache: given('TEST_APACHE'),
  /** Path of a Node that has `node:sqlite`. */
  newerNode: given('TEST_NEWER_NODE'),
};
