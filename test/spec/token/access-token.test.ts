/** Access tokens and other handles as texts. Rules TK. */

import { beforeEach, expect, it } from 'vitest';
import { getTokens, isActive, makeWorld, post, type World } from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
it('TK-07 makes handles of 256 random bits: no duplicates, each bit set as often as not', async () => {
  const seen = new Set<string>();
  const ones = new Array<number>(256).fill(0);
  const samples = 500;
  for (let index = 0; index < samples; index += 1) {
    const { body } = await post(world, 'token', {
      grant_type: 'client_credentials',
      scope: 'read',
    });
    const token = String(body['access_token']);
    seen.add(token);
    const bytes = Buffer.from(token.slice('vkat_'.length, 'vkat_'.length + 43), 'base64url');
    for (let bit = 0; bit < 256; bit += 1)
      ones[bit] = (ones[bit] ?? 0) + (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1);
  }
  expect(seen.size).toBe(samples);
  // Six standard deviations: a fair bit leaves this range once in 500 million runs.
  const reach = 6 * Math.sqrt(samples / 4);
  for (const count of ones) expect(Math.abs(count - samples / 2)).toBeLessThan(reach);
});
it('[RFC8725 §3.11] JW-10 takes no ID token for an access token', async () => {
  const tokens = await getTokens(world);
  expect(await isActive(world, tokens.id_token)).toBe(false);
});
