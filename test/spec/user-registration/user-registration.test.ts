/** `prompt=create` (Initiating User Registration via OpenID Connect 1.0). */
import { type Config, userRegistration } from 'valetkey';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage, expectRefusedRedirect } from '../refusals.ts';
import {
  ALICE,
  allow,
  BOB,
  browserOf,
  codeOf,
  cookieOf,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  pageOf,
  pkce,
  START,
  type World,
} from '../setup.ts';

let world: World;
let browser: ScriptedBrowser;
const withSignUp = (more: Partial<Config> = {}): Partial<Config> => ({
  features: [userRegistration({ page: '/sign-up' })],
  ...more,
});
beforeEach(async () => {
  world = await makeWorld(withSignUp());
  browser = browserOf(world);
});

const start = async (changes: Readonly<Record<string, string | null>> = {}): Promise<Visit> =>
  await openAuthorize(world, browser, { prompt: 'create', ...changes }, pkce());
const requestOf = ({ url }: Visit): Request =>
  new Request(url, { headers: { cookie: cookieOf(browser) } });
/** The browser takes the answer of the host's page and goes on. */
async function follow(answer: Response): Promise<Visit> {
  for (const line of answer.headers.getSetCookie())
    browser.cookies.set(
      line.split('=')[0] ?? '',
      line.slice(line.indexOf('=') + 1, line.indexOf(';')),
    );
  return await browser.open(answer.headers.get('location') ?? '');
}
const atSignUp = ({ url, status }: Visit): boolean =>
  status === 404 && url.startsWith(`${ISSUER}/sign-up?interaction=`);

describe('bad input', () => {
  it('[Initiating User Registration §4.1.1] create is refused and not announced where nobody makes accounts', async () => {
    world = await makeWorld();
    browser = browserOf(world);
    expectRefusedRedirect(world, await start(), { error: 'invalid_request', reason: 'prompt' });
    expect(await announced()).not.toContain('create');
  });

  it('[OIDC Core §3.1.2.1] create is not combined with none', async () => {
    expectRefusedRedirect(world, await start({ prompt: 'none create' }), {
      error: 'invalid_request',
      reason: 'prompt_none_combined',
    });
  });

  it.each(['sign-up', 'javascript:alert(1)', 5, ''])(
    'the address %o is refused at the start',
    async (page) => {
      const features = [userRegistration({ page: page as string })];
      await expect(makeWorld({ features })).rejects.toThrow('userRegistration.page');
    },
  );

  it('a login of before does not take the place of an account that was made now', async () => {
    const page = await start();
    world.now += 100;
    const login = { sub: BOB.sub, amr: ['pwd'], authTime: START - 50 };
    await expect(world.provider.interactions.login(requestOf(page), login)).rejects.toMatchObject({
      reason: 'login_too_old',
    });
  });

  it('coming back without an account shows a page and does not go round', async () => {
    const page = await start();
    expectErrorPage(await browser.open(page.url.replace('/sign-up', '/o/interaction/')), {
      status: 400,
      code: 'login_required',
      reason: 'login_missing',
    });
  });
});

describe('prompt=create', () => {
  it('[Initiating User Registration §4] leads to the page that makes accounts, and from there into the application', async () => {
    expect(await announced()).toContain('create');
    const page = await start();
    expect(atSignUp(page)).toBe(true);
    expect(await world.provider.interactions.details(requestOf(page))).toMatchObject({
      step: 'user-registration',
      because: 'prompt_create',
    });
    const login = { sub: BOB.sub, amr: ['pwd'] };
    const consent = await follow(await world.provider.interactions.login(requestOf(page), login));
    expect(pageOf(consent)).toBe('consent');
    expect(codeOf(await allow(browser, consent))).not.toBeNull();
  });

  it('[Initiating User Registration §4] shows it also to somebody who is signed in', async () => {
    await allow(browser, await logIn(browser, await start({ prompt: null }), ALICE));
    expect(atSignUp(await start())).toBe(true);
    expect(codeOf(await start({ prompt: null }))).not.toBeNull();
  });

  it('lets people sign in who have an account already', async () => {
    const page = await start();
    const { interactions } = world.provider;
    const login = await follow(
      await interactions.answer(requestOf(page), 'user-registration', 'login'),
    );
    expect(pageOf(login)).toBe('login');
    expect(codeOf(await allow(browser, await logIn(browser, login)))).not.toBeNull();
  });

  it('[RFC6749 §4.1.2.1] is access_denied when people leave it', async () => {
    const page = await start();
    const answer = await world.provider.interactions.answer(
      requestOf(page),
      'user-registration',
      'cancel',
    );
    expect(new URL(answer.headers.get('location') ?? '').searchParams.get('error')).toBe(
      'access_denied',
    );
    await expect(
      world.provider.interactions.answer(requestOf(page), 'user-registration', 'other'),
    ).rejects.toMatchObject({ reason: 'decision' });
  });
});

async function announced(): Promise<unknown> {
  const response = await world.provider.fetch(
    new Request(`${ISSUER}/.well-known/openid-configuration`),
  );
  return ((await response.json()) as Record<string, unknown>)['prompt_values_supported'];
}
