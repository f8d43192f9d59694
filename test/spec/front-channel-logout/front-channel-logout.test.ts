/** Front-channel logout (OpenID Connect Front-Channel Logout 1.0). Rule LO-07. */
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, expect, it } from 'vitest';
import {
  browserOf,
  claimsOf,
  getTokens,
  ISSUER,
  makeWorld,
  openAuthorize,
  type World,
} from '../setup.ts';

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await makeWorld();
  browser = browserOf(world);
  await world.provider.clients.update(world.web.clientId, {
    fields: { frontchannel_logout_uri: 'https://rp.example/bye?a=b' },
  });
});

async function logOut(query = ''): Promise<Visit> {
  const page = await browser.open(world.provider.url('rp-initiated-logout') + query);
  return await browser.submit(page, { decision: 'logout' });
}

const framesOf = (visit: Visit): URL[] =>
  [...visit.html.matchAll(/<iframe[^>]* src="([^"]*)"/g)].map(
    ([, src = '']) => new URL(src.replaceAll('&amp;', '&')),
  );

it('[Front-Channel Logout §3] the page loads the address with iss and sid, under a policy that names its origin alone', async () => {
  const { id_token: idToken } = await getTokens(world, {}, browser);
  const page = await logOut();
  const frames = framesOf(page);
  expect(frames.map(({ origin, pathname }) => origin + pathname)).toEqual([
    'https://rp.example/bye',
  ]);
  const [frame] = frames;
  expect(Object.fromEntries(frame?.searchParams ?? [])).toEqual({
    a: 'b',
    iss: ISSUER,
    sid: claimsOf(idToken)['sid'],
  });
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain('frame-src https://rp.example;');
  expect(policy).toContain("frame-ancestors 'none'");
  expect(page.headers.get('refresh')).toBeNull();
  // What is in the frame leads the page nowhere, and opens no window.
  expect(page.html).toContain('sandbox="allow-scripts allow-same-origin"');
});

it('[RP-Initiated Logout §3] LO-07 the browser goes on to the application afterwards, without scripts as well', async () => {
  const { id_token: hint } = await getTokens(world, {}, browser);
  const query = new URLSearchParams({
    id_token_hint: hint,
    post_logout_redirect_uri: 'https://rp.example/bye',
    state: 'a b',
  });
  const page = await logOut(`?${query}`);
  expect(page.leaves).toBeNull();
  expect(page.headers.get('refresh')).toBe('2; url=https://rp.example/bye?state=a+b');
  expect(page.html).toContain('href="https://rp.example/bye?state=a+b"');
});

it('an application that is told otherwise, or of another session, is in no frame', async () => {
  await getTokens(world, {}, browserOf(world));
  await world.provider.clients.update(world.web.clientId, {
    fields: { frontchannel_logout_uri: null },
  });
  await getTokens(world, {}, browser);
  expect(framesOf(await logOut())).toEqual([]);
});

it('a disabled application is in no frame', async () => {
  await getTokens(world, {}, browser);
  await world.provider.clients.update(world.web.clientId, { disabled: true });
  expect(framesOf(await logOut())).toEqual([]);
});

it('the session is over before the page is shown', async () => {
  await getTokens(world, {}, browser);
  await logOut();
  const left = await openAuthorize(world, browser, { prompt: 'none' });
  expect(left.leaves?.searchParams.get('error')).toBe('login_required');
  expect(framesOf(await browser.open(world.provider.url('rp-initiated-logout')))).toEqual([]);
});

it.each([
  'https://elsewhere.example/bye',
  'https://rp.example:8443/bye',
  'http://rp.example/bye',
  'https://rp.example/#x',
  'javascript:alert(1)',
])('[Front-Channel Logout §2] UI-05 %s is refused', async (uri) => {
  await expect(
    world.provider.clients.update(world.web.clientId, { fields: { frontchannel_logout_uri: uri } }),
  ).rejects.toMatchObject({ name: 'ClientMetadataError' });
});
