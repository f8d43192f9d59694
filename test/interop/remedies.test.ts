/**
 * Libraries that send neither PKCE nor a nonce by default. The first sign-in is refused; the log
 * names the command that allows it, and after that command the application works as it is.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../processes.ts';
import { services } from '../services.ts';
import { type Library, nextAuth, passportOpenidConnect, simpleOauth2 } from './libraries.ts';
import { ALICE, openPage, serve, signIn } from './provider.ts';
import { type Standalone, standalone } from './standalone.ts';

async function signInAfterRemedy(op: Standalone, library: Library): Promise<string | null> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const made = await op.command(
    ...['application', 'create', '--kind', 'web', '--name', 'Photo Printer'],
    ...['--redirect-uri', `${origin}${library.callback}`],
  );
  const { client_id: clientId = '', client_secret: clientSecret = '' } = made;
  const { issuer } = op;
  await serve(port, await library.application({ origin, issuer, clientId, clientSecret }));
  const page = await openPage();

  await library.begin(page, origin);
  await expect.poll(() => op.remedies(clientId), { timeout: 5_000 }).toHaveLength(1);
  const [remedy = ''] = op.remedies(clientId);
  const [, command = ''] = /npx valetkey (application update --client-id .+)$/.exec(remedy) ?? [];
  expect(command, remedy).toMatch(/ --no-require-pkce$/);

  await op.command(...command.split(' '));
  await library.begin(page, origin);
  await page.waitForSelector('#login-form');
  await signIn(page);
  await page.waitForURL(`${origin}${library.end}`);
  return await page.textContent('body');
}

describe.skipIf(services.chromium === null || services.nextAuth === null)('no PKCE', () => {
  it('passport-openidconnect, next-auth 4 and simple-oauth2 sign a person in after the one command that the log names', async () => {
    const op = await standalone();
    onTestFinished(async () => await op.stop());
    const libraries = [passportOpenidConnect, nextAuth, simpleOauth2];
    const shown = await Promise.all(
      libraries.map(async (library) => await signInAfterRemedy(op, library)),
    );
    for (const text of shown) {
      expect(text).toContain(ALICE.name);
      expect(text).toContain(ALICE.email);
    }
  }, 90_000);
});
