/** The applications of docs/guides/: a person signs in to each, as the guide tells. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scriptedBrowser } from 'valetkey/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ALICE, openPage } from '../interop/provider.ts';
import { type Standalone, standalone } from '../interop/standalone.ts';
import { freePort, type Program, start, stop, untilPrinted } from '../processes.ts';
import { services } from '../services.ts';
import { answer, browserAt } from './sign-in.ts';

function run(
  name: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Program {
  const program = start(`examples/${name}.ts`, args, env);
  onTestFinished(async () => void (await stop(program)));
  return program;
}

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

interface CommandLine {
  readonly op: Standalone;
  readonly clientId: string;
  /** Where it keeps its token. */
  readonly file: string;
  run(args: readonly string[]): Program;
}

/** The program as the guide registers it, with a file of its own. */
async function commandLine(): Promise<CommandLine> {
  const op = await standalone();
  onTestFinished(async () => await op.stop());
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-guide-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const made = await op.command(
    ...['application', 'create', '--kind', 'native', '--name', 'Photo Printer'],
    ...['--redirect-uri', 'http://127.0.0.1/callback'],
    ...['authorization_code', 'refresh_token', DEVICE_CODE].flatMap((one) => ['--grant-type', one]),
  );
  const clientId = made['client_id'] ?? '';
  const file = join(folder, 'token');
  const env = { ISSUER: op.issuer, CLIENT_ID: clientId, TOKEN_FILE: file };
  return {
    op,
    clientId,
    file,
    run: (args) => run('command-line', env, args),
  };
}

describe('docs/guides/native-applications.md', () => {
  it('examples/command-line.ts signs a person in by the browser, stays signed in, and signs out', async () => {
    const { op, clientId, file, run: runIt } = await commandLine();
    const first = runIt([]);
    const [, url = ''] =
      /(http\S+\/authorize\/\S+)/.exec(await untilPrinted(first, 'state=')) ?? [];
    const redirectUri = new URL(url).searchParams.get('redirect_uri') ?? '';
    const browser = scriptedBrowser(fetch, ({ origin }) =>
      [op.issuer, new URL(redirectUri).origin].includes(origin),
    );
    const there = await answer(browser, await browser.open(url), ALICE);
    expect(there.html).toBe('You can close this window.');
    expect(await first.ended, first.output()).toBe(0);
    expect(first.output()).toContain(`Signed in: ${ALICE.name}`);

    const second = runIt([]);
    expect(await second.ended, second.output()).toBe(0);
    expect(second.output()).toBe(`Signed in: ${ALICE.name}\n`);

    // Nobody else on this computer reads it.
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const before = readFileSync(file);
    expect(await runIt(['sign-out']).ended).toBe(0);
    expect(existsSync(file)).toBe(false);
    // What somebody copied before is worth nothing: the program asks again.
    writeFileSync(file, before);
    await untilPrinted(runIt([]), `client_id=${clientId}`);
  });

  it('examples/command-line.ts sends its refresh token to its own provider alone', async () => {
    const { file, run: runIt } = await commandLine();
    const token = 'of another provider';
    writeFileSync(file, JSON.stringify({ issuer: 'https://other.example', clientId: '', token }));
    const program = runIt([]);
    await untilPrinted(program, 'state=');
    expect(program.output()).toContain('Open this address in your browser');
  });

  it('examples/command-line.ts waits for the answer to its own request', async () => {
    const { run: runIt } = await commandLine();
    const program = runIt([]);
    const [, text = ''] =
      /(http\S+\/authorize\/\S+)/.exec(await untilPrinted(program, 'state=')) ?? [];
    const { searchParams } = new URL(text);
    const redirectUri = searchParams.get('redirect_uri') ?? '';
    expect((await fetch(`${redirectUri}?code=stolen&state=other`)).status).toBe(400);
    const declined = `error=access_denied&state=${searchParams.get('state')}&iss=${new URL(text).origin}`;
    expect(await (await fetch(`${redirectUri}?${declined}`)).text()).toContain('did not succeed');
    expect(await program.ended).toBe(1);
  });

  it('examples/command-line.ts signs a person in on another device', async () => {
    const { op, run: runIt } = await commandLine();
    const program = runIt(['sign-in', '--device']);
    const [, page = '', code = ''] =
      /Open (\S+) on any device, and enter (\S+)/.exec(await untilPrinted(program, 'and enter ')) ??
      [];
    const browser = browserAt(op.issuer);
    const login = await browser.submit(await browser.open(page), { user_code: code });
    const { username, password } = ALICE;
    const consent = await browser.submit(login, { username, password, decision: 'login' });
    await browser.submit(consent, { decision: 'allow' });
    expect(await program.ended, program.output()).toBe(0);
    expect(program.output()).toContain(`Signed in: ${ALICE.name}`);
  });
});

describe.skipIf(services.chromium === null)('docs/guides/single-page-applications.md', () => {
  it('a person signs in, sees what the API has, stays signed in, and signs out', async () => {
    const [port, appPort] = [await freePort(), await freePort()];
    const env = { PORT: String(port), APP_PORT: String(appPort) };
    const program = run('single-page-application/server', env);
    await untilPrinted(program, 'open http');
    const application = `http://localhost:${appPort}/`;
    const page = await openPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));

    await page.goto(application);
    await page.click('#sign-in');
    await page.fill('#username', 'alice');
    await page.fill('#password', 'wonderland');
    await page.click('#login-submit');
    await page.click('#consent-allow');
    await page.waitForSelector('#show-photos:visible');
    expect(await page.textContent('#person')).toBe('Signed in: Alice');
    // Neither the address nor the history has the code.
    expect(page.url()).toBe(application);

    await page.click('#show-photos');
    await page.waitForSelector('#photos li');
    expect(await page.locator('#photos li').allTextContents()).toEqual(['lake.jpg', 'forest.jpg']);

    await page.route('**/api/photos', async (route) => await route.fulfill({ status: 500 }), {
      times: 1,
    });
    await page.click('#show-photos');
    await page.waitForSelector('#problem:not(:empty)');
    expect(await page.textContent('#problem')).toBe('That did not work: The API answered 500.');
    // The person is still signed in.
    expect(await page.isVisible('#sign-out')).toBe(true);

    await page.reload();
    await page.waitForSelector('#show-photos:visible');
    await page.click('#sign-out');
    await page.click('#logout-confirm');
    await page.waitForURL(application);
    await page.waitForSelector('#sign-in:visible');
    expect(problems).toEqual([]);
  });
});
