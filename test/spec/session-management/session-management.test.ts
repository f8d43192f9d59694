/** Session management (OpenID Connect Session Management 1.0), and sessions in frames. */
import { runInNewContext } from 'node:vm';
import { sessionManagement } from 'valetkey';
import { readForm, type ScriptedBrowser, type Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  allow,
  BOB,
  browserOf,
  cookieOf,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  pageOf,
  paramOf,
  read,
  type World,
} from '../setup.ts';

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await makeWorld({ features: [sessionManagement({ enabled: true })] });
  browser = browserOf(world);
});

const SPA = {
  redirect_uri: 'https://spa.example/cb',
};

async function signIn(
  changes: Record<string, string> = {},
  as: Parameters<typeof logIn>[2] = ALICE,
): Promise<Visit> {
  let visit = await openAuthorize(world, browser, changes);
  if (pageOf(visit) === 'login') visit = await logIn(browser, visit, as);
  if (pageOf(visit) === 'consent') visit = await allow(browser, visit);
  return visit;
}

const stateOf = (visit: Visit): string => paramOf(visit, 'session_state') ?? '';

async function frame(): Promise<Response> {
  const headers = { cookie: cookieOf(browser) };
  return await world.provider.fetch(new Request(world.provider.url('check-session'), { headers }));
}

/** What the frame answers to an application, with the cookies that the browser has now. */
async function ask(origin: string, message: unknown): Promise<string> {
  const script = /<script>([\s\S]*)<\/script>/.exec(await (await frame()).text())?.[1] ?? '';
  let listen: (event: object) => void = () => undefined;
  const answers: unknown[][] = [];
  const window = { addEventListener: (_: string, listener: typeof listen) => (listen = listener) };
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  runInNewContext(script, { window, document: { cookie }, JSON, decodeURIComponent });
  listen({
    origin,
    data: message,
    source: { postMessage: (...all: unknown[]) => answers.push(all) },
  });
  expect(answers).toHaveLength(1);
  // Session Management §3.3: to its sender alone.
  expect(answers[0]?.[1]).toBe(origin);
  return String(answers[0]?.[0]);
}

const message = (visit: Visit, clientId = world.web.clientId): string =>
  `${clientId} ${stateOf(visit)}`;

describe('the frame', () => {
  it('[Session Management §3.1] says unchanged, and changed after a logout', async () => {
    const signedIn = await signIn();
    expect(stateOf(signedIn)).toMatch(/^[\w-]{22}$/);
    expect(await ask('https://rp.example', message(signedIn))).toBe('unchanged');
    const page = await browser.open(world.provider.url('rp-initiated-logout'));
    await browser.submit(page, { decision: 'logout' });
    expect(await ask('https://rp.example', message(signedIn))).toBe('changed');
  });

  it('[Session Management §3.1] says changed once somebody signed in again, until the application asks', async () => {
    const first = await signIn();
    const again = await signIn({ prompt: 'login' });
    expect(await ask('https://rp.example', message(first))).toBe('changed');
    expect(await ask('https://rp.example', message(again))).toBe('unchanged');
    const spa = { client_id: world.spa.clientId, ...SPA };
    const second = await signIn(spa);
    await signIn({ prompt: 'login' }, BOB);
    expect(await ask('https://spa.example', message(second, world.spa.clientId))).toBe('changed');
  });

  it('[Session Management §3.1] says unchanged to each of several applications', async () => {
    const one = await signIn();
    const two = await signIn({ client_id: world.spa.clientId, ...SPA });
    expect(stateOf(one)).not.toBe(stateOf(two));
    expect(await ask('https://rp.example', message(one))).toBe('unchanged');
    expect(await ask('https://spa.example', message(two, world.spa.clientId))).toBe('unchanged');
  });

  it('[Session Management §3.3] says changed to another origin, and for another client or state', async () => {
    const signedIn = await signIn();
    expect(await ask('https://evil.example', message(signedIn))).toBe('changed');
    expect(await ask('https://rp.example', message(signedIn, 'other'))).toBe('changed');
    expect(await ask('https://rp.example', `${world.web.clientId} other`)).toBe('changed');
  });

  it.each([null, 5, {}, '', ' ', 'one', 'one ', ' one'])(
    '[Session Management §3.3] says error to %j',
    async (text) => {
      await signIn();
      expect(await ask('https://rp.example', text)).toBe('error');
    },
  );

  it('may be framed by applications of this browser alone, and runs one script', async () => {
    const policy = async (): Promise<string> =>
      (await frame()).headers.get('content-security-policy') ?? '';
    expect(await policy()).toContain("frame-ancestors 'none'");
    await signIn();
    expect(await policy()).toContain('frame-ancestors https://rp.example;');
    expect(await policy()).toMatch(/script-src 'sha256-[\w+/=]+';/);
    const page = await browser.open(world.provider.url('rp-initiated-logout'));
    await browser.submit(page, { decision: 'logout' });
    expect(await policy()).toContain('frame-ancestors https://rp.example;');
  });

  it('IN-05 takes any cookie, and lets nobody in by it', async () => {
    await signIn();
    const name = [...browser.cookies.keys()].find((one) => one.includes('state')) ?? '';
    for (const value of [
      'x',
      '[]',
      '["",[["javascript:x","a","b"]]]',
      '["",[["https://a; x","a","b"]]]',
      '%ff',
    ]) {
      browser.cookies.set(name, encodeURIComponent(value));
      const policy = (await frame()).headers.get('content-security-policy');
      expect(policy).toContain("frame-ancestors 'none'");
    }
  });
});

describe('the cookie', () => {
  it('is read by scripts, goes to other sites, and names no session', async () => {
    const answer = await world.provider.fetch(
      new Request((await signIn()).url, { headers: { cookie: cookieOf(browser) } }),
    );
    const cookie = answer.headers.getSetCookie().find((one) => one.includes('vk_state'));
    expect(cookie).toMatch(/^__Host-vk_state_\w+=.*; Path=\/; Secure; SameSite=None$/i);
    expect(cookie).not.toMatch(/HttpOnly/i);
    const session = [...browser.cookies].find(([name]) => name.includes('session'))?.[1] ?? '';
    expect(decodeURIComponent(cookie ?? '')).not.toContain(session);
  });

  it('keeps a bounded number of applications', async () => {
    for (let index = 0; index < 15; index += 1) {
      const { client } = await world.provider.clients.create({
        name: `${index}`,
        redirectUris: [`https://rp${index}.example/${'x'.repeat(200)}`],
        skipConsent: true,
      });
      await signIn({ client_id: client.clientId, redirect_uri: client.redirectUris[0] ?? '' });
    }
    const policy = (await frame()).headers.get('content-security-policy') ?? '';
    expect(policy.match(/https:\/\/rp\d+\.example/g)).toHaveLength(12);
    expect(policy).toContain('https://rp14.example');
  });
});

it('[Session Management §3] there is no session_state without openid, without pages, or where it is off', async () => {
  expect(stateOf(await signIn({ scope: 'read' }))).toBe('');
  world = await makeWorld();
  browser = browserOf(world);
  expect(stateOf(await signIn())).toBe('');
  expect(world.provider.handles('/o/check_session/')).toBe(false);
});

it('[Session Management §3.3] MD-02 is announced where it is on', async () => {
  for (const enabled of [true, false]) {
    const { provider } = await makeWorld({ features: [sessionManagement({ enabled })] });
    const url = new URL('/.well-known/openid-configuration', ISSUER);
    const { body } = await read(await provider.fetch(new Request(url)));
    expect(body['check_session_iframe']).toBe(enabled ? `${ISSUER}/o/check_session/` : undefined);
  }
});

describe('the cookie of the session', () => {
  it.each([
    [true, 'SameSite=None'],
    [false, 'SameSite=Lax'],
  ])('is sent from frames of other sites where that is allowed: %s', async (allowed, expected) => {
    world = await makeWorld({ allowCrossSiteSession: allowed });
    browser = browserOf(world);
    const { action, fields } = readForm((await openAuthorize(world, browser)).html);
    const { username, password } = ALICE;
    const answer = await world.provider.fetch(
      new Request(action, {
        method: 'POST',
        headers: { cookie: cookieOf(browser) },
        body: new URLSearchParams({ ...fields, username, password, decision: 'login' }),
      }),
    );
    const cookies = answer.headers.getSetCookie();
    const [session = ''] = cookies.filter((one) => one.includes('vk_session'));
    expect(session).toContain(expected);
    expect(session).toMatch(/Secure/);
    // No other cookie is.
    const others = cookies.filter((one) => one !== session);
    expect(others.some((one) => one.includes('SameSite=None'))).toBe(false);
    expect(world.provider.weakened).toEqual(allowed ? ['allowCrossSiteSession'] : []);
  });
});
