/** The examples are programs: each is started and asked. */
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort, type Program, start, stop, untilUp } from '../processes.ts';

let program: Program | null = null;
afterEach(async () => {
  if (program !== null) await stop(program);
  program = null;
});

describe.each(['minimal', 'express', 'hono', 'feature-server'])('examples/%s.ts', (name) => {
  it('serves discovery and tokens', async () => {
    const port = await freePort();
    program = start(`examples/${name}.ts`, [], { PORT: String(port) });
    await untilUp(`http://localhost:${port}/.well-known/openid-configuration`, program);
    // It says who its client is once it listens, which may be a moment after it answers.
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
  )('leads to %s', (path) => {
    expect(existsSync(path)).toBe(true);
  });
});
