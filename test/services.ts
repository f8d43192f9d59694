/**
 * The services that `npm test` opened for the tests. A service is null when it is missing, and
 * always in the fast run. A test that needs one is inside `describe.skipIf(services.postgres ===
 * null)`.
 */
function given(variable: string): string | null {
  return process.env['TEST_SCOPE'] === 'fast' ? null : process.env[variable] || null;
}

export const services = {
  /**
   * Connection string of a superuser on a private server. Each test creates its own database or
   * schema there.
   */
  postgres: given('TEST_POSTGRES_URL'),
  /** URL of an account that may make databases, on a private MariaDB server. */
  mariadb: given('TEST_MARIADB_URL'),
  /** Path of the Chromium binary. */
  chromium: given('TEST_CHROMIUM'),
  /** Path of the apache2 binary. Its modules include mod_auth_openidc. */
  apache: given('TEST_APACHE'),
  /** Path of the nginx binary. */
  nginx: given('TEST_NGINX'),
  /** Path of the caddy binary. */
  caddy: given('TEST_CADDY'),
  /** Path of systemd-analyze, which checks units. */
  systemd: given('TEST_SYSTEMD'),
  /** Path of a Python that has Authlib, Flask and Requests. */
  authlib: given('TEST_AUTHLIB'),
  /** Folder with Authlib, joserfc and PyJWT from PyPI, for PYTHONPATH. */
  pythonLibraries: given('TEST_PYTHON_LIBRARIES'),
  /** Path of Debian's oidc-agent; its other programs are beside it. */
  oidcAgent: given('TEST_OIDC_AGENT'),
  /** Path of the module of next-auth that handles the requests of an API route. */
  nextAuth: given('TEST_NEXT_AUTH'),
  /** Path of softhsm2-util; the module of SoftHSM is in its usual place. */
  softHsm: given('TEST_SOFTHSM'),
  /** Path of the package pkcs11js, which reaches modules of PKCS#11. */
  pkcs11js: given('TEST_PKCS11JS'),
  /** Path of a Node that has `node:sqlite`. */
  newerNode: given('TEST_NEWER_NODE'),
  /** Path of pgbouncer; only for faults. */
  pgbouncer: given('TEST_PGBOUNCER'),
  /** Path of the library that makes MariaDB servers a cluster; only for faults. */
  galera: given('TEST_GALERA'),
};
