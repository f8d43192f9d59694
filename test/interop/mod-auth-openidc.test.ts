/**
 * Interoperability with a client in C: Apache's mod_auth_openidc protects a page, and a real
 * browser signs in and out; Apache also hears of the end of a session at the provider.
 */
import { describe, expect, it } from 'vitest';
import { services } from '../services.ts';
import { type Apache, withApache } from './apache.ts';

/** Opens the protected page, and signs in where the provider asks for it. */
async function enter({ page, origin, signIn }: Apache): Promise<void> {
  await page.goto(`${origin}/protected/`);
  await signIn();
  await page.click('#consent-allow');
  await page.waitForSelector('#inside', { timeout: 15_000 });
}

describe.skipIf(services.chromium === null || services.apache === null)('mod_auth_openidc', () => {
  it('[OIDC Core §3.1] signs a user in and logs them out', async () => {
    const options = {
      application: (origin: string) => ['--post-logout-redirect-uri', `${origin}/bye.html`],
      algorithms: ['PS256', 'ES256', 'EdDSA'],
    };
    await withApache(options, async (apache) => {
      const { page, origin } = apache;
      await enter(apache);
      await page.goto(`${origin}/protected/cb?logout=${encodeURIComponent(`${origin}/bye.html`)}`);
      await page.waitForSelector('#bye', { timeout: 15_000 });
      await page.goto(`${origin}/protected/`);
      await page.waitForSelector('#login-form', { timeout: 15_000 });
    });
  }, 120_000);

  it('[Back-Channel Logout §2.5] ends its session when that at the provider ended', async () => {
    const path = '/protected/cb?logout=backchannel';
    const options = {
      env: (origin: string) => ({ VALETKEY_ALLOW_OUTBOUND: origin }),
      application: (origin: string) => ['--backchannel-logout-uri', `${origin}${path}`],
    };
    await withApache(options, async (apache) => {
      const { page, origin, context } = apache;
      const told = () => apache.requests().filter((line) => line.startsWith(`POST ${path}`));
      // The browser keeps the cookie of Apache, so only what Apache knows can have changed.
      const isAsked = async (): Promise<boolean> => {
        const cookies = (await context.cookies()).map(({ name }) => name);
        expect(cookies).toContain('mod_auth_openidc_session');
        await page.goto(`${origin}/protected/`);
        return (await page.locator('#login-form').count()) === 1;
      };
      await enter(apache);
      expect(await isAsked()).toBe(false);
      await apache.command('session', 'end', '--username', 'alice');
      await expect.poll(isAsked, { timeout: 30_000, interval: 250 }).toBe(true);
      await expect.poll(told).toEqual([`POST ${path} 200`]);

      await apache.signIn();
      await page.waitForSelector('#inside', { timeout: 15_000 });
      expect(await isAsked()).toBe(false);
      await apache.signOutElsewhere();
      await expect.poll(isAsked, { timeout: 30_000, interval: 250 }).toBe(true);
      await expect.poll(told).toEqual([`POST ${path} 200`, `POST ${path} 200`]);
      expect(apache.errors()).toEqual([]);
    });
  }, 120_000);

  it('[Session Management §3.1] leaves a page whose frames see that the session changed', async () => {
    const watched = '/protected/watched.html';
    const frames = `<iframe id="openidc-op" src="/protected/cb?session=iframe_op"></iframe>
<iframe id="openidc-rp" src="/protected/cb?session=iframe_rp&amp;poll=200"></iframe>`;
    const options = {
      env: () => ({ VALETKEY_SESSION_MANAGEMENT_ENABLED: 'true' }),
      // The module signs out with the address of the page that it leaves.
      application: (origin: string) => ['--post-logout-redirect-uri', `${origin}${watched}`],
      pages: { 'watched.html': `<h1 id="watched">watched</h1>${frames}` },
    };
    await withApache(options, async (apache) => {
      const { page, origin, issuer } = apache;
      let answers: string[] = [];
      page.on('console', (message) => {
        const answer = /^receiveMessage: (.*)$/.exec(message.text())?.[1];
        if (answer !== undefined) answers.push(answer);
      });
      const isWatched = async (): Promise<void> => {
        await page.waitForURL(`${origin}${watched}`);
        answers = [];
        await expect.poll(() => answers.length, { timeout: 15_000 }).toBeGreaterThan(3);
        expect(new Set(answers)).toEqual(new Set([`unchanged from ${issuer}`]));
      };
      await enter(apache);
      await page.goto(`${origin}${watched}`);
      await isWatched();
      await apache.signOutElsewhere();
      await page.waitForSelector('#login-form', { timeout: 15_000 });
      expect(answers.at(-1)).toBe(`changed from ${issuer}`);
      const out = `/protected/cb?logout=${encodeURIComponent(`${origin}${watched}`)}`;
      expect(apache.requests()).toContain(`GET ${out} 302`);

      await apache.signIn();
      await isWatched();
      // The module also asks with prompt=none. That it ends its session where it is refused cannot
      // be seen here: it takes every error with `iss` (RFC 9207 §2) for a response of another kind.
      await page.goto(`${origin}/protected/cb?session=check`);
      await page.waitForURL(`${origin}/protected/cb?session=iframe_rp`);
      expect(apache.errors()).toEqual([]);
    });
  }, 120_000);
});
