/**
 * Apache with mod_auth_openidc in front of protected pages, the standalone server as its provider,
 * and one person in a real browser. Everything is stopped when the work is done.
 */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { freePort, start, stop, untilUp, watched } from '../processes.ts';
import { services } from '../services.ts';
import { launch } from './browser.ts';

const MODULES = [
  'mpm_event',
  'authn_core',
  'authz_core',
  'authz_user',
  'auth_openidc',
  'dir',
  'mime',
];
const PASSWORD = 'correct horse battery';

export interface Apache {
  /** The origin of Apache. */
  readonly origin: string;
  readonly issuer: string;
  /** The browser of the person, for more tabs. */
  readonly context: BrowserContext;
  readonly page: Page;
  /** Runs a command of the operator. */
  command(...args: string[]): Promise<Record<string, string>>;
  /** Signs the person in on the login form that the page shows. */
  signIn(): Promise<void>;
  /** Ends the session at the provider, in another tab. */
  signOutElsewhere(): Promise<void>;
  /** What the module complained of, beside its settings: addresses on loopback are http. */
  errors(): readonly string[];
  /** The requests that Apache answered, as "POST /path?query 200". */
  requests(): readonly string[];
}

export interface ApacheOptions {
  /** Settings of the provider, beside those that every test has. */
  readonly env?: (origin: string) => Record<string, string>;
  /** Options of `application create`, beside name and redirect URI. */
  readonly application?: (origin: string) => readonly string[];
  /** Algorithms of other clients, so that keys of more kinds are published. */
  readonly algorithms?: readonly string[];
  /** Other protected pages: their names and their HTML. */
  readonly pages?: Readonly<Record<string, string>>;
}

/** Runs the work. What it throws carries the logs of both servers. */
export async function withApache(
  options: ApacheOptions,
  work: (apache: Apache) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-apache-'));
  const logged = (file: string): string => {
    const path = join(folder, file);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  const linesOf = (file: string): string[] => logged(file).split('\n').filter(Boolean);
  const closers: (() => Promise<unknown>)[] = [];
  let output = (): string => '';
  try {
    const [port, apachePort] = [await freePort(), await freePort()];
    const [issuer, origin] = [`http://localhost:${port}`, `http://localhost:${apachePort}`];
    const env = {
      PORT: String(port),
      VALETKEY_DATA_DIR: join(folder, 'data'),
      VALETKEY_ALLOW_LOCALHOST_REDIRECT: 'true',
      VALETKEY_RP_INITIATED_LOGOUT_CONFIRMATION: 'when-unproven',
      ...options.env?.(origin),
    };
    const command: Apache['command'] = async (...args) => {
      const program = start('src/cli/main.ts', [...args, '--json'], env);
      expect(await program.ended, program.output()).toBe(0);
      return JSON.parse(program.output()) as Record<string, string>;
    };
    const made = await populate(command, origin, options);
    const op = start('src/cli/main.ts', ['serve'], env);
    closers.push(() => stop(op));
    output = op.output;
    await untilUp(`${issuer}/readyz`, op);

    writePages(folder, options.pages ?? {});
    writeFileSync(join(folder, 'httpd.conf'), conf(folder, origin, issuer, made));
    // The workers of Apache run as another user, who must be able to read the files.
    chmodSync(folder, 0o755);
    const httpd = watched(
      spawn(services.apache ?? '', [
        '-d',
        folder,
        '-f',
        join(folder, 'httpd.conf'),
        '-DFOREGROUND',
      ]),
    );
    closers.push(() => stop(httpd));
    await untilUp(`${origin}/bye.html`, httpd);
    const browser = await launch();
    closers.push(() => browser.close());
    const context = await browser.newContext();
    const page = await context.newPage();
    await work({
      origin,
      issuer,
      context,
      page,
      command,
      async signIn() {
        await page.fill('#username', 'alice');
        await page.fill('#password', PASSWORD);
        await page.click('#login-submit');
      },
      async signOutElsewhere() {
        const tab = await context.newPage();
        await tab.goto(`${issuer}/o/logout/`);
        await tab.click('#logout-confirm');
        await tab.waitForSelector('#signed-out');
        await tab.close();
      },
      errors: () =>
        linesOf('error.log').filter((line) => /auth_openidc:(?!.*oidc_check_config)/.test(line)),
      requests: () => linesOf('access.log'),
    });
  } catch (error) {
    throw new Error(
      `${String(error)}\n${logged('error.log')}\n${logged('access.log')}\n${output()}`,
    );
  } finally {
    for (const close of closers.reverse()) await close();
    rmSync(folder, { recursive: true });
  }
}

/** Makes the database, the person and the clients; returns what Apache has to know of its own. */
async function populate(
  command: Apache['command'],
  origin: string,
  { application, algorithms = [] }: ApacheOptions,
): Promise<Record<string, string>> {
  const create = async (name: string, uri: string, ...more: readonly string[]) =>
    await command('application', 'create', '--name', name, '--redirect-uri', uri, ...more);
  await command('init');
  const person = ['--username', 'alice', '--email', 'alice@example.com'];
  await command('user', 'create', ...person, '--password', PASSWORD);
  for (const alg of algorithms) await create(alg, 'https://other.example/', '--algorithm', alg);
  return await create('Apache', `${origin}/protected/cb`, ...(application?.(origin) ?? []));
}

function writePages(folder: string, pages: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, 'htdocs', 'protected'), { recursive: true });
  const all = { 'index.html': '<h1 id="inside">inside</h1>', ...pages };
  for (const [name, html] of Object.entries(all))
    writeFileSync(join(folder, 'htdocs', 'protected', name), html);
  writeFileSync(join(folder, 'htdocs', 'bye.html'), '<h1 id="bye">bye</h1>');
}

function conf(
  folder: string,
  origin: string,
  issuer: string,
  { client_id: id, client_secret: secret }: Record<string, string>,
): string {
  return `ServerRoot ${folder}
ServerName localhost
Listen 127.0.0.1:${new URL(origin).port}
PidFile ${folder}/apache.pid
ErrorLog ${folder}/error.log
LogLevel warn
CustomLog ${folder}/access.log "%m %U%q %>s"
User www-data
Group www-data
${MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
TypesConfig /etc/mime.types
DocumentRoot ${folder}/htdocs
DirectoryIndex index.html
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID ${id}
OIDCClientSecret ${secret}
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCRedirectURI ${origin}/protected/cb
OIDCPKCEMethod S256
OIDCCryptoPassphrase a-passphrase-for-tests-only
OIDCScope "openid email"
OIDCRemoteUserClaim email
<Directory ${folder}/htdocs>
  Require all granted
</Directory>
<Location /protected>
  AuthType openid-connect
  Require valid-user
</Location>
`;
}
