/** Starts each example program and sends requests to it. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { freePort, type Program, start, stop, untilPrinted, untilUp } from '../processes.ts';

let program: Program | null = null;
afterEach(async () => {
  if (program !== null) await stop(program);
  program = null;
});

describe.each(['minimal', 'express', 'hono', 'feature-server', 'own-store'])(
  'examples/%s.ts',
  (name) => {
    it('serves discovery and tokens', async () => {
      const port = await freePort();
      program = start(`examples/${name}.ts`, [], { PORT: String(port) });
      await untilUp(`http://localhost:${port}/.well-known/openid-configuration`, program);
      // The example can answer a moment before it prints its client.
      await expect.poll(() => program?.output(), { timeout: 10_000 }).toContain('client_secret');
      const [, id = ''] = /client_id (\S+)/.exec(program.output()) ?? [];
      const [, secret = ''] = /client_secret (\S+)/.exec(program.output()) ?? [];
      const response = await fetch(`http://localhost:${port}/o/token/`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'read' }),
      });
      expect([
        response.status,
        ((await response.json()) as Record<string, unknown>)['scope'],
      ]).toEqual([200, 'read']);
      if (name === 'express' || name === 'hono')
        expect(await (await fetch(`http://localhost:${port}/`)).text()).toBe(
          'The application itself',
        );
    }, 60_000);
  },
);

/** Starts an example, waits until it prints `last`, and resolves to its output. */
async function printed(name: string, port: number, last: string): Promise<string> {
  program = start(`examples/${name}.ts`, [], { PORT: String(port) });
  return await untilPrinted(program, last);
}

const tokenFor = async (
  url: string,
  id: string,
  secret: string,
  fields: Readonly<Record<string, string>>,
): Promise<readonly [status: number, body: Record<string, unknown>]> => {
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  const body = new URLSearchParams(fields);
  const response = await fetch(url, { method: 'POST', headers: { authorization }, body });
  return [response.status, (await response.json()) as Record<string, unknown>];
};

describe('examples/own-grant.ts', () => {
  it('issues tokens for a link only once', async () => {
    const port = await freePort();
    const text = await printed('own-grant', port, 'link ');
    const [, id = ''] = /client_id (\S+)/.exec(text) ?? [];
    const [, secret = ''] = /client_secret (\S+)/.exec(text) ?? [];
    const [, link = ''] = /link (\S+)/.exec(text) ?? [];
    const ask = async () =>
      await tokenFor(`http://localhost:${port}/o/token/`, id, secret, {
        grant_type: 'urn:example:mail-link',
        link,
      });
    const [status, body] = await ask();
    expect([status, body['scope'], typeof body['id_token']]).toEqual([
      200,
      'openid read',
      'string',
    ]);
    expect((await ask())[1]['error']).toBe('invalid_grant');
  }, 60_000);
});

describe('examples/several-issuers.ts', () => {
  it('rejects a client of another issuer', async () => {
    const port = await freePort();
    const text = await printed('several-issuers', port, 'listening');
    const ids = [...text.matchAll(/client_id (\S+)/g)].map(([, id = '']) => id);
    const secrets = [...text.matchAll(/client_secret (\S+)/g)].map(([, secret = '']) => secret);
    const discovery = `http://localhost:${port}/south/.well-known/openid-configuration`;
    await expect.poll(async () => (await fetch(discovery)).status).toBe(200);
    const { issuer, token_endpoint: south } = (await (await fetch(discovery)).json()) as Record<
      string,
      string
    >;
    expect(issuer).toBe(`http://localhost:${port}/south`);
    const fields = { grant_type: 'client_credentials', scope: 'read' };
    const statuses = [];
    for (const index of [0, 1]) {
      const [status] = await tokenFor(south ?? '', ids[index] ?? '', secrets[index] ?? '', fields);
      statuses.push(status);
    }
    expect(statuses).toEqual([401, 200]);
  }, 60_000);
});

describe('examples/protected-api.ts', () => {
  it('answers for tokens of its provider, and so does examples/protected-api-elsewhere.ts', async () => {
    const port = await freePort();
    const text = await printed('protected-api', port, 'curl ');
    const said = (name: string): string => new RegExp(`${name} (\\S+)`).exec(text)?.[1] ?? '';
    const issuer = `http://localhost:${port}`;
    const asked = { grant_type: 'client_credentials', resource: `${issuer}/api` };
    const [id, secret] = [said('client_id'), said('client_secret')];
    const tokenUrl = `${issuer}/o/token/`;
    const tokens = await Promise.all(
      ['photos.read', 'photos.write'].map(async (scope) => {
        const [, body] = await tokenFor(tokenUrl, id, secret, { ...asked, scope });
        return String(body['access_token']);
      }),
    );
    const ask = async (url: string, token?: string, method = 'GET'): Promise<Response> =>
      await fetch(url, {
        method,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      });
    const [read = '', write = ''] = tokens;
    const refused = await ask(`${issuer}/api/photos`);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining(`resource_metadata="${said('document')}"`),
    ]);
    expect(await (await ask(said('document'))).json()).toMatchObject({
      resource: `${issuer}/api`,
      authorization_servers: [issuer],
    });
    expect((await ask(`${issuer}/api/photos`, write)).status).toBe(403);
    expect(await (await ask(`${issuer}/api/photos`, read)).json()).toMatchObject({ client: id });
    expect((await ask(`${issuer}/api/albums`, read, 'POST')).status).toBe(403);
    expect((await ask(`${issuer}/api/albums`, write, 'POST')).status).toBe(200);
    const me = await fetch(`${issuer}/api/me`, { headers: { 'x-user': 'alice' } });
    expect(await me.json()).toEqual({ me: 'alice' });
    expect(program?.output()).toContain('refused: POST /api/albums scope_missing');

    const elsewhere = await freePort();
    const other = start('examples/protected-api-elsewhere.ts', [], {
      PORT: String(elsewhere),
      ISSUER: issuer,
      RESOURCE: `${issuer}/api`,
      CLIENT_ID: said('api_id'),
      CLIENT_SECRET: said('api_secret'),
    });
    onTestFinished(async () => void (await stop(other)));
    await untilPrinted(other, 'listening');
    const photos = `http://localhost:${elsewhere}/photos`;
    expect((await ask(photos, 'unknown')).status).toBe(401);
    expect((await ask(photos, write)).status).toBe(403);
    expect(await (await ask(photos, read)).json()).toMatchObject({ client: id });
  }, 60_000);
});

describe('an Express example', () => {
  it.each(['own-login', 'host-login', 'express'])(
    '%s ends when its port is taken, and does not say that it listens',
    async (name) => {
      const port = await freePort();
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(port, 'localhost', resolve));
      onTestFinished(() => void other.close());
      const folder = mkdtempSync(join(tmpdir(), 'valetkey-example-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const taken = start(`examples/${name}.ts`, [], {
        PORT: String(port),
        SECRET: 'a secret of more than thirty-two characters',
        DATABASE_URL: `sqlite:${join(folder, 'app.db')}`,
      });
      expect(await taken.ended).not.toBe(0);
      expect(taken.output()).toContain('EADDRINUSE');
      expect(taken.output()).not.toMatch(/listening|openid-configuration/);
    },
    60_000,
  );
});

describe('the README', () => {
  it('shows a program that runs', async () => {
    const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync('README.md', 'utf8')) ?? [];
    expect(readFileSync('examples/readme.ts', 'utf8').split('\n').slice(1).join('\n')).toBe(code);
    const port = await freePort();
    program = start('examples/readme.ts', [], { PORT: String(port) });
    await untilUp(`http://localhost:${port}/o/.well-known/jwks.json`, program);
  }, 60_000);
  it.each(
    [...readFileSync('README.md', 'utf8').matchAll(/\]\(([^):#]+)\)/g)].map(
      ([, path = '']) => path,
    ),
  )('links to an existing file: %s', (path) => {
    expect(existsSync(path)).toBe(true);
  });
});

describe('examples/service-to-service.ts', () => {
  it('calls an API with a JWT that it got by a key of its own', async () => {
    const text = await printed('service-to-service', await freePort(), 'orders 200');
    expect(text).toContain('"orders":[17,42]');
  }, 60_000);
});

describe('examples/tokens.ts', () => {
  it('exchanges the token of an assertion', async () => {
    const text = await printed('tokens', await freePort(), 'exchanged');
    expect(text).toMatch(/a JWT for Orders: eyJ/);
    expect(text).toMatch(/"sub":"alice","aud":"https:\/\/stock.example\/api","act":\{"sub":"/);
  }, 60_000);
});
