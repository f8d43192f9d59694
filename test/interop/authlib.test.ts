/** Authlib: in Flask, where it sends a nonce and no PKCE, and as a service with a key. */
import { execFile, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, type Program, stop, untilUp, watched } from '../processes.ts';
import { services } from '../services.ts';
import { ALICE, openPage, openProvider, signIn } from './provider.ts';

function startFlask(env: Readonly<Record<string, string>>): Program {
  const file = fileURLToPath(new URL('authlib-app.py', import.meta.url));
  const child = spawn(services.authlib ?? '', ['-u', file], { env });
  return watched(child);
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

describe.skipIf(services.authlib === null)('Authlib as a service', () => {
  const PAIRS = {
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  };
  it.each(['ES256', 'RS256'] as const)(
    '[RFC7523 §3] [OIDC Core §9] signs assertions with %s, and names the issuer or, where that is allowed, the endpoint',
    async (alg) => {
      const op = await openProvider();
      const { publicKey, privateKey } = PAIRS[alg]();
      const jwk = { ...publicKey.export({ format: 'jwk' }), use: 'sig', alg };
      const { client } = await op.provider.clients.create({
        name: 'Printer queue',
        grantTypes: ['client_credentials'],
        redirectUris: [],
        tokenEndpointAuthMethod: 'private_key_jwt',
        jwks: { keys: [jwk] },
      });
      const endpoint = op.provider.url('token');
      const ask = async (audience: string): Promise<string> => {
        const file = fileURLToPath(new URL('authlib-assertion.py', import.meta.url));
        const env = {
          ALG: alg,
          AUDIENCE: audience,
          AUTHLIB_INSECURE_TRANSPORT: 'true',
          CLIENT_ID: client.clientId,
          PRIVATE_KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
          TOKEN_ENDPOINT: endpoint,
        };
        const ran = await promisify(execFile)(services.authlib ?? '', [file], { env });
        return ran.stdout;
      };
      expect(JSON.parse(await ask(op.issuer))).toMatchObject({ token_type: 'Bearer' });
      await expect(ask(endpoint)).rejects.toThrow('invalid_client');
      await op.provider.clients.update(client.clientId, {
        fields: { allow_endpoint_audience: true },
      });
      expect(JSON.parse(await ask(endpoint))).toMatchObject({ token_type: 'Bearer' });
    },
  );
});
