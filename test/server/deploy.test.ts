/**
 * The files of deploy/: the entry point of the container and its health check, the unit of systemd,
 * and the proxies in front of a real server, with TLS.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { scriptedBrowser } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, type Program, stop, watched } from '../processes.ts';
import { services } from '../services.ts';
import { type Json, makePlace, type Place, startServing, told, untilTold } from './command-line.ts';
import { deployed, fetchTrusting, makeCertificate, startCaddy, startNginx } from './proxied.ts';
import { type Application, answer, authorizeUrl, exchange, random } from './sign-in.ts';

const PATH = process.env['PATH'] ?? '';

/** Runs the entry point as a container would. It needs the build that `npm test` makes. */
function enter(args: readonly string[], env: Readonly<Record<string, string>>): Program {
  const child = spawn(deployed('entrypoint.sh'), args, {
    cwd: tmpdir(),
    env: { PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return watched(child);
}

/** The health check of the Dockerfile: its exit code. */
async function health(port: number): Promise<number | null> {
  const [, command = ''] = /^HEALTHCHECK .*CMD (\[.*\])$/m.exec(
    readFileSync(deployed('Dockerfile'), 'utf8'),
  ) ?? [''];
  const [, ...args] = JSON.parse(command) as string[];
  const child = spawn(process.execPath, args, { env: { PORT: String(port) }, stdio: 'ignore' });
  return await new Promise((resolve) => child.once('exit', resolve));
}

describe('the entry point of the container', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'valetkey-deploy-'));
    writeFileSync(join(folder, 'file'), '');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  // A folder below a file: not even root can write to it.
  const nowhere = (): string => join(folder, 'file', 'data');
  const secret = 'a-secret-of-more-than-32-characters-0123456789';

  it('becomes the server, which is healthy and stops in order after a signal', async () => {
    const port = await freePort();
    expect(await health(port)).toBe(1);
    const server = enter(['serve'], {
      PORT: String(port),
      HOST: '127.0.0.1',
      VALETKEY_DATA_DIR: join(folder, 'data'),
    });
    while ((await health(port)) !== 0) {
      expect(server.child.exitCode, server.output()).toBeNull();
      await sleep(50);
    }
    // A shell that waits for the server would be ended by the signal instead.
    expect(await stop(server), server.output()).toBe(0);
  });

  it.each([
    ['the database', {}, 'DATABASE_URL_FILE and VALETKEY_SECRET_FILE'],
    ['the database', { VALETKEY_SECRET: secret }, 'DATABASE_URL_FILE'],
    ['the secret', { DATABASE_URL: 'postgres://a@127.0.0.1:1/a' }, 'set VALETKEY_SECRET_FILE'],
    ['the secret', { DATABASE_URL_FILE: '/run/secrets/x' }, 'set VALETKEY_SECRET_FILE'],
  ])('refuses a data folder that cannot hold %s (%o)', async (what, env, remedy) => {
    const refused = enter(['serve'], { ...env, VALETKEY_DATA_DIR: nowhere() });
    expect(await refused.ended).toBe(1);
    expect(refused.output().trimEnd().split('\n')).toHaveLength(1);
    expect(refused.output()).toContain(`data folder ${nowhere()}, which would hold ${what}.`);
    expect(refused.output()).toContain(remedy);
  });

  it('needs no data folder when the settings name the database and the secret', async () => {
    const started = enter(['serve'], {
      DATABASE_URL: `sqlite:${join(folder, 'elsewhere.db')}`,
      VALETKEY_SECRET: secret,
      VALETKEY_DATA_DIR: nowhere(),
      PORT: String(await freePort()),
      HOST: '127.0.0.1',
    });
    while (!started.output().includes('listens on')) {
      expect(started.child.exitCode, started.output()).toBeNull();
      await sleep(20);
    }
    expect(await stop(started)).toBe(0);
  });

  it('runs commands', async () => {
    const ran = enter(['--version'], { VALETKEY_DATA_DIR: nowhere() });
    expect([await ran.ended, ran.output()]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+/)]);
  });
});

describe.skipIf(services.systemd === null)('the unit of systemd', () => {
  it('has no mistakes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'valetkey-unit-'));
    try {
      const unit = join(folder, 'valetkey.service');
      const text = readFileSync(deployed('valetkey.service'), 'utf8');
      writeFileSync(unit, text.replace('/usr/bin/node', process.execPath));
      const args = ['verify', '--man=no', unit];
      expect(execFileSync(services.systemd ?? '', args, { encoding: 'utf8' })).toBe('');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const PROXIES = [
  ['nginx', services.nginx, startNginx],
  ['Caddy', services.caddy, startCaddy],
] as const;
for (const [name, program, startProxy] of PROXIES)
  describe.skipIf(program === null)(`${name} in front of the server`, () => {
    let place: Place;
    let [server, proxy]: [Program | null, Program | null] = [null, null];
    let [ca, issuer, plain] = ['', '', ''];
    let application: Application;
    let person: { username: string; password: string };
    beforeAll(async () => {
      const [port, plainPort] = [await freePort(), await freePort()];
      [issuer, plain] = [`https://localhost:${port}`, `http://localhost:${plainPort}`];
      place = await makePlace({
        VALETKEY_ISSUER: issuer,
        VALETKEY_TRUST_PROXY: 'loopback',
        HOST: '127.0.0.1',
      });
      server = await startServing({ env: place.env, issuer: place.issuer }, ['--json']);
      const { administrator, demo } = (await untilTold(server)) as Record<string, Json>;
      person = administrator as unknown as typeof person;
      application = demo as unknown as Application;
      const folder = join(place.folder, 'proxy');
      mkdirSync(folder);
      ca = makeCertificate(folder);
      proxy = startProxy({ folder, port, plainPort, upstream: place.port });
      for (let isUp = false; !isUp; await sleep(50)) {
        expect(proxy.child.exitCode, proxy.output()).toBeNull();
        isUp = await fetchTrusting(ca)(`${issuer}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        );
      }
    });
    afterAll(async () => {
      if (proxy !== null) await stop(proxy);
      if (server !== null) await stop(server);
      await place.remove();
    });

    const post = async (form: object, headers = {}, from?: string): Promise<Response> => {
      const { clientId, clientSecret } = application;
      return await fetchTrusting(ca, from)(`${issuer}/o/token/`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
          ...headers,
        },
        body: new URLSearchParams({ ...form }),
      });
    };

    it('signs a person in, and gives the application tokens', async () => {
      const request = { state: random(), nonce: random(), verifier: random() };
      const browser = scriptedBrowser(fetchTrusting(ca), (url) => url.origin === issuer);
      const first = await browser.open(authorizeUrl(issuer, application, request));
      const { leaves } = await answer(browser, first, person);
      const code = leaves?.searchParams.get('code') ?? '';
      const response = await post(exchange(code, application, request));
      expect(await response.json()).toMatchObject({ id_token: expect.any(String) });
    });

    it('passes on a redirect that repeats a long state', async () => {
      // Each character is three in an address.
      const state = '{'.repeat(2000);
      const request = { state, nonce: random(), verifier: random() };
      const url = authorizeUrl(issuer, application, request, { prompt: 'none' });
      const browser = scriptedBrowser(fetchTrusting(ca), (to) => to.origin === issuer);
      const { leaves } = await browser.open(url);
      expect(leaves?.searchParams.get('state')).toBe(state);
    });

    it('leaves the refusal of a large body to the server', async () => {
      const response = await post({ grant_type: 'x'.repeat(200_000) });
      expect([response.status, await response.json()]).toEqual([
        413,
        expect.objectContaining({ error: 'invalid_request' }),
      ]);
    });

    it('tells the address of the peer, and not what the peer claims', async () => {
      const form = { grant_type: 'client_credentials', scope: 'read' };
      const forged = { 'x-forwarded-for': '203.0.113.9' };
      expect((await post(form, forged, '127.0.0.2')).status).toBe(200);
      await sleep(1500);
      const audit = JSON.stringify(await told(['audit'], place.env));
      expect(audit).toContain('127.0.0.2');
      expect(audit).not.toContain('203.0.113.9');
    });

    it('sends browsers from http to https', async () => {
      const response = await fetch(`${plain}/o/authorize/?a=b`, { redirect: 'manual' });
      expect([301, 308]).toContain(response.status);
      expect(response.headers.get('location')).toMatch(
        /^https:\/\/localhost.*\/o\/authorize\/\?a=b/,
      );
    });
  });
