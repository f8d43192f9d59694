/** OAuth 2.0 Form Post Response Mode. */

import { readForm, type ScriptedBrowser } from 'valetkey/testing';
import { beforeEach, expect, it } from 'vitest';
import {
  allow,
  browserOf,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  REDIRECT_URI,
  type World,
} from '../setup.ts';

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await makeWorld();
  browser = browserOf(world);
});
it('[Form Post Response Mode §2] UI-08 posts the response as a form, escaped, with one script', async () => {
  const state = '"><script>alert(1)</script>';
  const login = await openAuthorize(world, browser, { response_mode: 'form_post', state });
  const done = await allow(browser, await logIn(browser, login));
  // UI-08: nothing stands in the address, and the one script is allowed by its hash.
  expect(done.leaves).toBeNull();
  expect(done.html).not.toContain('<script>alert');
  const { action, fields } = readForm(done.html);
  expect([action, fields['state'], fields['iss']]).toEqual([REDIRECT_URI, state, ISSUER]);
  expect(done.headers.get('content-security-policy')).toMatch(
    /script-src 'sha256-[A-Za-z0-9+/=]+'/,
  );
  expect(done.headers.get('cache-control')).toBe('no-store');
});
it('[RFC9207 §2] AZ-16 posts iss with an error', async () => {
  const refused = await openAuthorize(world, browser, {
    prompt: 'none',
    response_mode: 'form_post',
  });
  const { fields } = readForm(refused.html);
  expect([fields['error'], fields['iss']]).toEqual(['login_required', ISSUER]);
});
