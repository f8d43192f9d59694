/**
 * Parameters of authorization requests that are ignored, or only passed on to the pages. Rules AZ.
 */

import { builtInPages } from 'valetkey/pages';
import { scriptedBrowser, type Visit } from 'valetkey/testing';
import { beforeEach, expect, it } from 'vitest';
import {
  authorizeParams,
  authorizeUrl,
  browserOf,
  ISSUER,
  makeWorld,
  openAuthorize,
  pageOf,
  pkce,
  type World,
} from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
const ask = async (changes: Readonly<Record<string, string | null>>): Promise<Visit> =>
  await openAuthorize(world, browserOf(world), changes);
it('[RFC6749 §3.1] AZ-10 ignores unknown parameters, repeated ones too', async () => {
  expect(
    pageOf(
      await browserOf(world).open(
        `${authorizeUrl(world, authorizeParams(world, pkce().challenge))}&foo=bar&__proto__=x&foo=again`,
      ),
    ),
  ).toBe('login');
});
it.each(['display', 'acr_values', 'claims_locales', 'ui_locales'])(
  '[OIDC Core §3.1.2.1] accepts %s, whatever it says',
  async (name) => {
    for (const value of ['page', 'se', '1 2', '<script>', '']) {
      const visit = await ask({ [name]: value });
      expect([name, value, visit.html.includes('id="login-form"')]).toEqual([name, value, true]);
      expect(visit.html).not.toContain('<script>');
    }
  },
);
it('[OIDC Core §3.1.2.1] passes ui_locales on to sign-in and logout pages, and acr_values to the login page', async () => {
  const seen: string[] = [];
  const note = (text: string): string => {
    seen.push(text);
    return text;
  };
  const pages = builtInPages({
    login: (view) => note(`login ${view.locales.join()} ${view.acrValues.join()}`),
    signedOut: (view) => note(`signedOut ${view.locales.join()}`),
  });
  world = await makeWorld({ pages });
  await ask({ ui_locales: 'nl de-AT', acr_values: 'gold silver' });
  await browserOf(world).open(
    `${world.provider.url('rp-initiated-logout')}?ui_locales=nl&logout_hint=alice`,
  );
  expect(seen).toEqual(['login nl,de-AT gold,silver', 'signedOut nl']);
});
it.each([
  ['ui_locales=de', { ui_locales: 'de' }, '', 'de', 'Anmelden'],
  ['ui_locales before the browser', { ui_locales: 'fr de' }, 'de', 'fr', 'Se connecter'],
  ['Accept-Language: fr-CH, en;q=0.5', {}, 'fr-CH, en;q=0.5', 'fr', 'Se connecter'],
  ['the best quality', {}, 'en;q=0.5, fr;q=0, de-AT;q=0.8', 'de', 'Anmelden'],
  ['an unknown language', {}, 'nl, *;q=0.1', 'en', 'Sign in'],
  ['nonsense', {}, 'de;q=x, ;;;=,, fr;q=-1', 'en', 'Sign in'],
])(
  '[OIDC Core §3.1.2.1] people sign in in their language: %s',
  async (_, changes, accepted, language, title) => {
    const browser = scriptedBrowser(
      async (request) => {
        request.headers.set('accept-language', accepted);
        return await world.provider.fetch(request, { ip: '192.0.2.1' });
      },
      (url) => url.origin === ISSUER,
    );
    const { html } = await openAuthorize(world, browser, changes);
    expect(html).toContain(`<html lang="${language}">`);
    expect(html).toContain(`<h1>${title}</h1>`);
  },
);
it('UI-09 knows no parameter that says where a page goes next', async () => {
  for (const name of ['next', 'return_to', 'returnTo', 'redirect', 'continue', 'url']) {
    for (const target of [
      '//evil.example',
      '/\\evil.example',
      'https:evil.example',
      'javascript:alert(1)',
    ]) {
      const visit = await ask({ [name]: target });
      expect([visit.status, visit.html.includes('evil'), visit.html.includes('alert(1)')]).toEqual([
        200,
        false,
        false,
      ]);
    }
  }
});
