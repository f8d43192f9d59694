/** What nobody vouches for: no browser is sent there before its user did anything. Rule AZ-14. */
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage, expectRefusedRedirect } from '../refusals.ts';
import { browserOf, ISSUER, logIn, openAuthorize, type World } from '../setup.ts';
import { GOOD, register, registered, registeringWorld } from './registering.ts';

let world: World;
beforeEach(async () => {
  world = await registeringWorld({ allowOpenRegistration: true });
});

const REFUSALS = [
  ['a scope', { scope: 'root' }, 'invalid_scope', 'scope_not_available'],
  ['a response type', { response_type: 'token' }, 'unsupported_response_type', 'response_type'],
  ['prompt=none', { prompt: 'none' }, 'login_required', 'prompt_none'],
  [
    'no PKCE',
    { code_challenge: null, code_challenge_method: null, nonce: null },
    'invalid_request',
    'code_challenge_missing',
  ],
] as const;

async function openAs(clientId: unknown, changes: Readonly<Record<string, string | null>>) {
  const browser = browserOf(world);
  const ours = { client_id: String(clientId), redirect_uri: 'https://app.example/cb' };
  return { browser, visit: await openAuthorize(world, browser, { ...ours, ...changes }) };
}

describe.each(REFUSALS)('a refusal of %s', (_what, changes, code, reason) => {
  it('[RFC9700 §4.11.2] AZ-14 stays here, with a link and the host, for who registered openly', async () => {
    const { body } = await register(world, GOOD);
    const { visit } = await openAs(body['client_id'], changes);
    const { html } = visit;
    expectErrorPage(visit, { status: 400, code, reason });
    const link = /<a id="error-return"[^>]*href="([^"]*)"[^>]*>([^<]*)</.exec(html);
    expect(link?.[2]).toBe('Return to app.example');
    const target = new URL((link?.[1] ?? '').replaceAll('&amp;', '&'));
    expect(target.origin + target.pathname).toBe('https://app.example/cb');
    const { error, iss, state } = Object.fromEntries(
      new URLSearchParams(target.search || target.hash.slice(1)),
    );
    expect({ error, iss, state }).toEqual({ error: code, iss: ISSUER, state: 'the-state' });
  });
  it('goes to a client with an initial access token', async () => {
    const { client_id } = await registered(world);
    const { visit } = await openAs(client_id, changes);
    expectRefusedRedirect(world, visit, { error: code, reason });
  });
});

it('AZ-14 goes to who registered openly once its user is signed in', async () => {
  const { body } = await register(world, GOOD);
  const { browser, visit } = await openAs(body['client_id'], {});
  await logIn(browser, visit);
  const ours = { client_id: String(body['client_id']), redirect_uri: 'https://app.example/cb' };
  const again = await openAuthorize(world, browser, { ...ours, prompt: 'none' });
  expectRefusedRedirect(world, again, { error: 'consent_required', reason: 'prompt_none' });
});
it('AZ-14 the answer of a user who cancels goes there', async () => {
  const { body } = await register(world, GOOD);
  const { browser, visit } = await openAs(body['client_id'], {});
  const cancelled = await browser.submit(visit, { decision: 'cancel' });
  expect(cancelled.leaves?.searchParams.get('error')).toBe('access_denied');
});
it('AZ-14 with form_post there is no address to link to', async () => {
  const { body } = await register(world, GOOD);
  const { visit } = await openAs(body['client_id'], { response_mode: 'form_post', scope: 'root' });
  expect(visit.status).toBe(400);
  expect(visit.html).not.toContain('error-return');
  expect(visit.html).not.toContain('<form');
});

describe('logout', () => {
  const leave = async (client_id: unknown) => {
    const url = new URL(world.provider.url('rp-initiated-logout'));
    url.searchParams.set('client_id', String(client_id));
    url.searchParams.set('post_logout_redirect_uri', 'https://app.example/bye');
    url.searchParams.set('state', 's');
    return await browserOf(world).open(url.href);
  };
  const body = { ...GOOD, post_logout_redirect_uris: ['https://app.example/bye'] };

  it('[RFC9700 §4.11.2] AZ-14 sends nobody on who is not signed in, to who registered openly', async () => {
    const visit = await leave((await register(world, body)).body['client_id']);
    expect([visit.leaves, visit.status]).toEqual([null, 200]);
    const link = /<a id="signed-out-return"[^>]*href="([^"]*)"[^>]*>([^<]*)</.exec(visit.html);
    expect([link?.[1], link?.[2]]).toEqual([
      'https://app.example/bye?state=s',
      'Return to app.example',
    ]);
  });
  it('sends on to a client with an initial access token', async () => {
    const visit = await leave((await registered(world, body)).client_id);
    expect(visit.leaves?.href).toBe('https://app.example/bye?state=s');
  });
});
