/** OAuth 2.0 Form Post Response Mode. */

import type { FormPostView, PageTemplate } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
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
    /script-src 'self' 'sha256-[A-Za-z0-9+/=]+';/,
  );
  expect(done.html.match(/<script>[^<]*<\/script>/g)).toEqual([
    '<script>document.forms[0].submit()</script>',
  ]);
  // The application gets the response and no field of the page.
  expect(Object.keys(fields).sort()).toEqual(['code', 'iss', 'state']);
  expect(done.html).not.toMatch(/<button[^>]* name=/);
  expect(done.headers.get('cache-control')).toBe('no-store');
});
it('[Form Post Response Mode §2] names the host in the language of the reader, and has a button', async () => {
  const login = await openAuthorize(world, browser, { response_mode: 'form_post' });
  const consent = await logIn(browser, login);
  const { action, fields } = readForm(consent.html);
  const done = await browser.open(action, {
    method: 'POST',
    headers: {
      'accept-language': 'de',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ ...fields, decision: 'allow' }).toString(),
  });
  const page = await browser.open(done.url, { headers: { 'accept-language': 'de' } });
  expect(page.html).toContain('<html lang="de">');
  expect(page.html).toContain('<bdi>rp.example</bdi>');
  expect(page.html).toContain('id="response-submit"');
});
it('submits the form of a page of the host as well, whatever it looks like', async () => {
  world = await makeWorld({
    pages: {
      ...builtInPages(),
      formPost: (({ form }: FormPostView) => `<form action="${form.action}">`) as PageTemplate,
    },
  });
  browser = browserOf(world);
  const refused = await openAuthorize(world, browser, {
    prompt: 'none',
    response_mode: 'form_post',
  });
  expect(refused.html).toBe(
    `<form action="${REDIRECT_URI}"><script>document.forms[0].submit()</script>`,
  );
});
it('[RFC9207 §2] AZ-16 posts iss with an error', async () => {
  const refused = await openAuthorize(world, browser, {
    prompt: 'none',
    response_mode: 'form_post',
  });
  const { fields } = readForm(refused.html);
  expect([fields['error'], fields['iss']]).toEqual(['login_required', ISSUER]);
});
