/** Cookies of the provider, and those of anybody else. */

import { beforeEach, expect, it } from 'vitest';
import { authorizeParams, authorizeUrl, browserOf, makeWorld, pkce, type World } from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
it('sets cookies with __Host-, HttpOnly and Lax that hold random handles only', async () => {
  const response = await world.provider.fetch(
    new Request(authorizeUrl(world, authorizeParams(world, pkce().challenge))),
  );
  expect(response.headers.getSetCookie()).toHaveLength(1);
  expect(response.headers.getSetCookie()[0]).toMatch(
    /^__Host-vk_browser_[\w-]{6}=vkbr_[\w-]{49}; Max-Age=31536000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  );
});
it('IN-05 starts anew with broken cookies, and never answers 500', async () => {
  for (const cookie of [
    'a',
    '=;=;',
    `x=${'y'.repeat(8000)}`,
    Array.from({ length: 200 }, (_, index) => `c${index}=1`).join('; '),
    '__Host-vk_session_x=%zz; __proto__=1',
  ]) {
    const answer = await browserOf(world).open(
      authorizeUrl(world, authorizeParams(world, pkce().challenge)),
      { headers: { cookie } },
    );
    expect(answer.status).toBeLessThan(500);
  }
});
