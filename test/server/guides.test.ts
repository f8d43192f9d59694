/** The programs of docs/guides/: each is started, and a person signs in. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { scriptedBrowser } from 'valetkey/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ALICE } from '../interop/provider.ts';
import { standalone } from '../interop/standalone.ts';
import { freePort, type Program, start, stop, untilPrinted } from '../processes.ts';
import {
  type Application,
  answer,
  authorizeUrl,
  browserAt,
  exchange,
  post,
  random,
  signIn,
} from './sign-in.ts';

const REDIRECT_URI = 'http://127.0.0.1:8400/callback';

function run(name: string, env: Readonly<Record<string, string>>): Program {
  const program = start(`examples/${name}.ts`, [], env);
  onTestFinished(async () => void (await stop(program)));
  return program;
}

/** The application that a program has printed. */
function printed(text: string): Application {
  const [, clientId = ''] = /client_id (\S+)/.exec(text) ?? [];
  const [, clientSecret = ''] = /client_secret (\S+)/.exec(text) ?? [];
  return { clientId, clientSecret, redirectUri: REDIRECT_URI };
}

describe('docs/guides/mounting.md', () => {
  it.each(['mount-node', 'mount-fastify', 'mount-koa', 'mount-nest'])(
    'a person signs in at examples/%s.ts, beside the routes of the application',
    async (name) => {
      const port = await freePort();
      const origin = `http://localhost:${port}`;
      const text = await untilPrinted(run(name, { PORT: String(port) }), 'client_secret');
      expect(await (await fetch(origin)).text()).toBe('The application itself');
      const person = { username: 'alice', password: 'wonderland' };
      expect(await signIn(origin, person, printed(text))).toMatchObject({ name: 'Alice' });
    },
  );

  it('a person signs in at the route handlers of examples/mount-next', async () => {
    const lines: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
    onTestFinished(() => void vi.restoreAllMocks());
    const endpoints = await import('../../examples/mount-next/app/o/[...path]/route.ts');
    const documents = await import('../../examples/mount-next/app/.well-known/[...path]/route.ts');
    const issuer = 'http://localhost:4000';

    const discovery = await documents.GET(
      new Request(`${issuer}/.well-known/openid-configuration`),
    );
    const application = printed(lines.join('\n'));
    const { token_endpoint: token } = (await discovery.json()) as Record<string, string>;
    // Next.js would redirect an address that ends with a slash.
    expect(token).toBe(`${issuer}/o/token`);
    const browser = scriptedBrowser(
      async (request) =>
        await (request.method === 'POST' ? endpoints.POST(request) : endpoints.GET(request)),
      (url) => url.origin === issuer,
    );
    const asked = { state: random(), nonce: random(), verifier: random() };
    const page = await browser.open(authorizeUrl(issuer, application, asked));
    const visit = await answer(browser, page, { username: 'alice', password: 'wonderland' });
    const form = exchange(visit.leaves?.searchParams.get('code') ?? '', application, asked);
    const { clientId, clientSecret } = application;
    const response = await endpoints.POST(
      new Request(token ?? '', {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
        body: new URLSearchParams(form),
      }),
    );
    expect(await response.json()).toMatchObject({ token_type: 'Bearer' });
  });
});

describe('docs/guides/getting-started.md', () => {
  it('a person signs in at examples/relying-party.ts', async () => {
    const port = await freePort();
    const application = `http://127.0.0.1:${port}`;
    const op = await standalone();
    onTestFinished(async () => await op.stop());
    const made = await op.command(
      ...['application', 'create', '--kind', 'web', '--name', 'My app'],
      ...['--redirect-uri', `${application}/callback`],
    );
    const env = {
      PORT: String(port),
      ISSUER: op.issuer,
      CLIENT_ID: made['client_id'] ?? '',
      CLIENT_SECRET: made['client_secret'] ?? '',
    };
    await untilPrinted(run('relying-party', env), 'open http');
    const browser = scriptedBrowser(fetch, ({ origin }) =>
      [application, op.issuer].includes(origin),
    );
    const page = await browser.open(`${application}/login`);
    expect(page.html).toContain('id="login-form"');
    expect((await answer(browser, page, ALICE)).html).toBe(`Signed in: ${ALICE.name}`);
    // Another browser did not begin this sign-in.
    const other = await fetch(`${application}/callback?code=a&state=b&iss=${op.issuer}`);
    expect(other.status).toBe(400);
  });
});

describe('docs/guides/own-login.md', () => {
  it('examples/own-login.ts keeps its application over a restart, and a logout ends the tokens', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'valetkey-guide-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const port = await freePort();
    const issuer = `http://localhost:${port}`;
    const env = {
      PORT: String(port),
      DATABASE_URL: `sqlite:${join(folder, 'own-login.db')}`,
      SECRET: randomBytes(32).toString('base64'),
    };
    const first = run('own-login', env);
    const application = printed(await untilPrinted(first, '"msg":"listening"'));
    expect(await stop(first), first.output()).toBe(0);
    const second = run('own-login', env);
    expect(await untilPrinted(second, '"msg":"listening"')).not.toContain('client_secret');

    const asked = { state: random(), nonce: random(), verifier: random() };
    const browser = browserAt(issuer);
    const scope = { scope: 'openid profile' };
    const login = await browser.open(authorizeUrl(issuer, application, asked, scope));
    expect(login.url).toContain('/login?interaction=');
    const consent = await browser.submit(login, { user: 'bob', word: 'builder' });
    const visit = await browser.submit(consent, { decision: 'allow' });
    const form = exchange(visit.leaves?.searchParams.get('code') ?? '', application, asked);
    const { body: tokens } = await post(issuer, 'token', form, application);
    const about = { token: String(tokens['access_token']) };
    const isActive = async (): Promise<unknown> =>
      (await post(issuer, 'introspect', about, application)).body['active'];
    expect(await isActive()).toBe(true);

    const foreign = { method: 'POST', headers: { origin: 'https://other.example' } };
    expect((await browser.open(`${issuer}/logout`, foreign)).status).toBe(403);
    await browser.open(`${issuer}/logout`, { method: 'POST' });
    expect(await isActive()).toBe(false);
    expect(await stop(second), second.output()).toBe(0);
  });

  it('the log says what a refused request would have needed, and no secret', async () => {
    const port = await freePort();
    const env = {
      PORT: String(port),
      DATABASE_URL: 'sqlite::memory:',
      SECRET: randomBytes(32).toString('base64'),
    };
    const program = run('own-login', env);
    const { clientSecret } = printed(await untilPrinted(program, '"msg":"listening"'));
    const url = `http://localhost:${port}/o/authorize/?client_id=partner&response_type=code`;
    await fetch(`${url}&redirect_uri=http://127.0.0.1:8400/other`);
    const line = (await untilPrinted(program, 'redirect_uri_mismatch')).split('\n').at(-2) ?? '';
    expect(JSON.parse(line)).toMatchObject({
      msg: 'request refused',
      expected: REDIRECT_URI,
      remedy: expect.stringContaining('npx valetkey application update --client-id partner'),
    });
    expect(line).not.toContain(clientSecret);
  });
});

const SOURCE = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(join('src', path), 'utf8'))
  .join('\n');
const GUIDES = readdirSync('docs/guides').map((name) => `docs/guides/${name}`);
/** What `files` of package.json puts into the package. */
const PACKED = /^(src|docs|deploy|examples|(README|CHANGELOG|SECURITY)\.md$)/;

describe.each(GUIDES)('%s', (guide) => {
  const text = readFileSync(guide, 'utf8');
  const links = [...text.matchAll(/\]\(([^):#]+)(?:#[^)]*)?\)/g)].map(([, path = '']) =>
    normalize(join(dirname(guide), path)),
  );

  it('links to files that exist and are in the package', () => {
    for (const path of links) {
      expect(statSync(path, { throwIfNoEntry: false }), path).toBeDefined();
      expect(path).toMatch(PACKED);
    }
  });

  it('names reasons, commands and options that exist', () => {
    const reasons = [...text.matchAll(/^\|(.*?)\|/gm)].flatMap(([, first = '']) => [
      ...first.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g),
    ]);
    for (const [, reason = ''] of reasons) expect(SOURCE).toContain(`'${reason}'`);
    for (const [, command = ''] of text.matchAll(/npx valetkey ([a-z-]+)/g))
      expect(SOURCE).toMatch(new RegExp(`\\.command\\('${command}|  '?${command}'?: async`));
    for (const [line] of text.matchAll(/(npx valetkey|application update|--kind)[^`\n]*/g))
      for (const [, flag = ''] of line.matchAll(/--(?:no-)?([a-z-]+)/g))
        expect(SOURCE, line).toMatch(new RegExp(`'${flag}'|--${flag}`));
  });

  it('shows code of the programs that it links to', () => {
    const programs = links.filter((path) => /\.[jt]s$/.test(path));
    const sources = programs.map((path) => readFileSync(path, 'utf8'));
    for (const [, code = ''] of text.matchAll(/```[jt]s\n([\s\S]*?)```/g))
      expect(
        sources.some((source) => source.includes(code)),
        code,
      ).toBe(true);
  });
});
