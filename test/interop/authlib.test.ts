/** Authlib in Flask, which sends a nonce and no PKCE. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, type Program, stop, untilUp } from '../processes.ts';
import { services } from '../services.ts';
import { ALICE, openPage, openProvider, signIn } from './provider.ts';

function startFlask(env: Readonly<Record<string, string>>): Program {
  const file = fileURLToPath(new URL('authlib-app.py', import.meta.url));
  const child = spawn(services.authlib ?? '', ['-u', file], { env });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
  );
  return { child, output: () => text, ended };
}

describe.skipIf(services.chromium === null || services.authlib === null)('Authlib', () => {
  it('[OIDC Core §3.1.2.1] signs a person in with a nonce and without PKCE', async () => {
    const port = await freePort();
    const app = `http://localhost:${port}`;
    const op = await openProvider();
    const { clientId, clientSecret } = await op.register('web', {
      redirectUris: [`${app}/callback`],
    });
    const flask = startFlask({
      PORT: String(port),
      ISSUER: op.issuer,
      CLIENT_ID: clientId,
      CLIENT_SECRET: clientSecret,
    });
    onTestFinished(async () => void (await stop(flask)));
    await untilUp(app, flask);
    const page = await openPage();

    const asked = page.waitForRequest(/response_type=code/);
    await page.goto(`${app}/login`);
    const sent = new URL((await asked).url()).searchParams;
    expect([sent.has('nonce'), sent.has('code_challenge')]).toEqual([true, false]);
    await signIn(page);
    await page.waitForURL(/\/callback\?/);
    const shown = (await page.textContent('body')) ?? '';
    expect(shown, flask.output()).toMatch(/^\{/);
    const person = { name: ALICE.name, email: ALICE.email };
    expect(JSON.parse(shown)).toMatchObject({ id_token: person, userinfo: person });
  });
});
