/** `examples/hsm.ts`: ID tokens signed by a key in SoftHSM, which keeps it over a restart. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as client from 'openid-client';
import { scriptedBrowser } from 'valetkey/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, type Program, start, stop, untilPrinted } from '../processes.ts';
import { services } from '../services.ts';

const CALLBACK = 'http://127.0.0.1:8400/callback';
const isMissing = services.softHsm === null || services.pkcs11js === null;

/** A token of its own, in a folder that is gone after the test. */
function newToken(): Readonly<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-hsm-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'tokens'));
  const conf = join(folder, 'softhsm2.conf');
  writeFileSync(conf, `directories.tokendir = ${join(folder, 'tokens')}\n`);
  const env = { SOFTHSM2_CONF: conf };
  const options = [
    '--init-token',
    '--free',
    '--label',
    'valetkey',
    '--pin',
    '1234',
    '--so-pin',
    '1234',
  ];
  execFileSync(services.softHsm ?? '', options, { env: { ...process.env, ...env } });
  return { ...env, PKCS11_MODULE: MODULE, PKCS11_PIN: '1234', PKCS11JS: services.pkcs11js ?? '' };
}
const MODULE = '/usr/lib/softhsm/libsofthsm2.so';

/** Signs in, and resolves to the ID token and the key that verifies it. */
async function signIn(program: Program, port: number) {
  await untilPrinted(program, 'client_secret');
  const [, id = ''] = /client_id (\S+)/.exec(program.output()) ?? [];
  const [, secret = ''] = /client_secret (\S+)/.exec(program.output()) ?? [];
  const issuer = `http://localhost:${port}`;
  const metadata = { client_secret: secret, id_token_signed_response_alg: 'ES256' };
  const config = await client.discovery(new URL(issuer), id, metadata, undefined, {
    execute: [client.allowInsecureRequests],
  });
  const verifier = client.randomPKCECodeVerifier();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: 'openid',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  const browser = scriptedBrowser(fetch, ({ origin }) => origin === issuer);
  const login = await browser.open(url.href);
  const fields = { username: 'alice', password: 'wonderland', decision: 'login' };
  const done = await browser.submit(await browser.submit(login, fields), { decision: 'allow' });
  const tokens = await client.authorizationCodeGrant(config, done.leaves ?? new URL(issuer), {
    pkceCodeVerifier: verifier,
  });
  const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri ?? ''));
  return await jwtVerify(tokens.id_token ?? '', keys, { issuer, audience: id });
}

describe.skipIf(isMissing)('a key in a hardware security module', () => {
  it('[RFC7515 §5.1] signs ID tokens, and is the same after a restart', async () => {
    const env = newToken();
    const kids: (string | undefined)[] = [];
    for (let run = 0; run < 2; run += 1) {
      const port = await freePort();
      const program = start('examples/hsm.ts', [], { PORT: String(port), ...env });
      const { protectedHeader, payload } = await signIn(program, port).finally(
        async () => await stop(program),
      );
      expect([protectedHeader.alg, payload.sub]).toEqual(['ES256', 'alice']);
      kids.push(protectedHeader.kid);
    }
    expect(kids[0]).toBe(kids[1]);
  }, 90_000);

  it('that does not let anybody in stops the start', async () => {
    const port = String(await freePort());
    const program = start('examples/hsm.ts', [], { PORT: port, ...newToken(), PKCS11_PIN: 'no' });
    expect(await program.ended).not.toBe(0);
    expect(program.output()).toContain('CKR_PIN_INCORRECT');
  }, 60_000);
});
