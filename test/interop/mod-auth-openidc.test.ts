/**
 * Interoperability with a client in C: Apache's mod_auth_openidc protects a page, and a real
 * browser signs in and out.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort, start, stop, untilUp } from '../processes.ts';
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

describe.skipIf(services.chromium === null || services.apache === null)('mod_auth_openidc', () => {
  it('[OIDC Core §3.1] signs a user in and logs them out', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'valetkey-apache-'));
    const [port, apachePort] = [await freePort(), await freePort()];
    const apache = `http://localhost:${apachePort}`;
    const env = {
      PORT: String(port),
      VALETKEY_DATA_DIR: join(folder, 'data'),
      VALETKEY_ALLOW_LOCALHOST_REDIRECT: 'true',
      VALETKEY_RP_INITIATED_LOGOUT_CONFIRMATION: 'when-unproven',
    };
    const command = async (...args: string[]): Promise<Record<string, string>> => {
      const program = start('src/cli/main.ts', [...args, '--json'], env);
      expect(await program.ended, program.output()).toBe(0);
      return JSON.parse(program.output()) as Record<string, string>;
    };
    await command('init');
    await command(
      'user',
      'create',
      '--username',
      'alice',
      '--password',
      'correct horse battery',
      '--email',
      'alice@example.com',
    );
    const made = await command(
      'application',
      'create',
      '--name',
      'Apache',
      '--redirect-uri',
      `${apache}/protected/cb`,
      '--post-logout-redirect-uri',
      `${apache}/bye.html`,
    );
    // Register a client for each other algorithm, so that keys of every kind are published.
    for (const alg of ['PS256', 'ES256', 'EdDSA'])
      await command(
        'application',
        'create',
        '--name',
        alg,
        '--redirect-uri',
        'https://other.example/',
        '--algorithm',
        alg,
      );
    const op = start('src/cli/main.ts', ['serve'], env);
    await untilUp(`http://localhost:${port}/readyz`, op);

    mkdirSync(join(folder, 'htdocs', 'protected'), { recursive: true });
    writeFileSync(join(folder, 'htdocs', 'protected', 'index.html'), '<h1 id="inside">inside</h1>');
    writeFileSync(join(folder, 'htdocs', 'bye.html'), '<h1 id="bye">bye</h1>');
    const conf = `ServerRoot ${folder}
ServerName localhost
Listen 127.0.0.1:${apachePort}
PidFile ${folder}/apache.pid
ErrorLog ${folder}/error.log
LogLevel warn
User www-data
Group www-data
${MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
TypesConfig /etc/mime.types
DocumentRoot ${folder}/htdocs
DirectoryIndex index.html
OIDCProviderMetadataURL http://localhost:${port}/.well-known/openid-configuration
OIDCClientID ${made['client_id']}
OIDCClientSecret ${made['client_secret']}
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCRedirectURI ${apache}/protected/cb
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
    writeFileSync(join(folder, 'httpd.conf'), conf);
    // The workers of Apache run as another user, who must be able to read the files.
    chmodSync(folder, 0o755);
    const httpd = spawn(
      services.apache ?? '',
      ['-d', folder, '-f', join(folder, 'httpd.conf'), '-DFOREGROUND'],
      { stdio: 'ignore' },
    );
    const ended = new Promise<void>((resolve) => httpd.once('exit', () => resolve()));
    const browser = await launch();
    try {
      const page = await (await browser.newContext()).newPage();
      await untilUp(`${apache}/bye.html`, {
        child: httpd,
        output: () => readFileSync(join(folder, 'error.log'), 'utf8'),
        ended: Promise.resolve(0),
      });
      await page.goto(`${apache}/protected/`);
      await page.fill('#username', 'alice');
      await page.fill('#password', 'correct horse battery');
      await page.click('#login-submit');
      await page.click('#consent-allow');
      await page.waitForSelector('#inside', { timeout: 15_000 });
      await page.goto(`${apache}/protected/cb?logout=${encodeURIComponent(`${apache}/bye.html`)}`);
      await page.waitForSelector('#bye', { timeout: 15_000 });
      await page.goto(`${apache}/protected/`);
      await page.waitForSelector('#login-form', { timeout: 15_000 });
    } catch (error) {
      throw new Error(
        `${String(error)}\n${readFileSync(join(folder, 'error.log'), 'utf8')}\n${op.output()}`,
      );
    } finally {
      await browser.close();
      httpd.kill('SIGTERM');
      await ended;
      await stop(op);
      rmSync(folder, { recursive: true });
    }
  }, 120_000);
});
