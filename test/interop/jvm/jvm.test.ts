/**
 * APIs on the JVM: Spring Security verifies JWT access tokens by discovery, and introspects opaque
 * ones; Nimbus verifies offline. `npm run interop:jvm` builds them with Maven outside this folder,
 * and fails where Java or Maven is missing.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { ResourceDefinition } from 'valetkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, stop, untilUp, watched } from '../../processes.ts';
import { type Application, register } from '../grants/application.ts';
import { openidClient } from '../grants/openid-client.ts';
import { ALICE, ARCHIVE, type GrantsProvider, openGrants, PRINTER } from '../grants/provider.ts';

const CACHE = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
const OUTPUT = join(CACHE, 'valetkey-interop-jvm');
const CLASSPATH = `${join(OUTPUT, 'interop-1.jar')}:${join(OUTPUT, 'lib', '*')}`;
const OPAQUE = 'https://opaque.example/api';
/** APIs by the algorithm that signs their tokens. */
const ALGS = ['RS256', 'ES256', 'PS256'] as const;
/** APIs by the algorithm that encrypts them. */
const KEY_ALGS = ['ECDH-ES+A256KW', 'RSA-OAEP-256'] as const;
const apiOf = (alg: string): string => `https://${alg.toLowerCase().replace('+', '-')}.example/api`;

let op: GrantsProvider;
let application: Application;
/** Tokens that were issued an hour ago. */
const expired = { jwt: '', opaque: '' };
const privateKeys = new Map<string, JWK>();
const closing: (() => Promise<unknown>)[] = [];

/** Starts a server of the Java files, and resolves to where it listens. */
async function serve(name: string, options: Readonly<Record<string, string>>): Promise<string> {
  const port = await freePort();
  const all = {
    ...options,
    'server.port': String(port),
    'server.address': 'localhost',
    'spring.main.banner-mode': 'off',
    'logging.level.root': 'warn',
  };
  const args = Object.entries(all).map(([option, value]) => `--${option}=${value}`);
  const program = watched(spawn('java', ['-cp', CLASSPATH, `valetkey.${name}`, ...args]));
  closing.unshift(async () => await stop(program));
  const origin = `http://localhost:${port}`;
  await untilUp(origin, program, 120);
  return origin;
}

async function definitions(): Promise<readonly ResourceDefinition[]> {
  const made: ResourceDefinition[] = ALGS.map((alg) => {
    return { resource: apiOf(alg), tokenFormat: 'jwt', tokenSigningAlg: alg };
  });
  for (const alg of KEY_ALGS) {
    const pair = await generateKeyPair(alg, { extractable: true });
    privateKeys.set(alg, { ...(await exportJWK(pair.privateKey)), alg, use: 'enc' });
    const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), alg, use: 'enc' }] };
    const tokenEncryption = { alg, enc: 'A256GCM', jwks };
    made.push({ resource: apiOf(alg), tokenFormat: 'jwt', tokenEncryption });
  }
  return [...made, { resource: OPAQUE }];
}

const tokenFor = async (resource: string, scope = 'read'): Promise<string> =>
  (await application.clientCredentials({ scope, resource })).access_token;

beforeAll(async () => {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  // Maven downloads into its own cache, at the first run.
  execFileSync('mvn', ['-q', '-B', `-Doutput=${OUTPUT}`, 'package'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let shift = -3600;
  const clock = (): number => Math.floor(Date.now() / 1000) + shift;
  op = await openGrants({ clock }, await definitions());
  closing.push(async () => await op.close());
  application = await register(op, openidClient);
  expired.jwt = await tokenFor(PRINTER);
  expired.opaque = await tokenFor(OPAQUE);
  shift = 0;
}, 900_000);
afterAll(async () => {
  for (const close of closing) await close();
});

interface Api {
  readonly origin: string;
  /** The audience of its tokens. */
  readonly resource: string;
}

async function ask({ origin }: Api, path: string, token: string | null): Promise<Response> {
  const headers: Record<string, string> = {};
  if (token !== null) headers['authorization'] = `Bearer ${token}`;
  return await fetch(`${origin}${path}`, { headers });
}

const APIS: readonly {
  readonly name: string;
  open(): Promise<Api>;
  readonly expired: () => string;
}[] = [
  {
    name: 'Spring Security with JWTs',
    expired: () => expired.jwt,
    open: async () => ({
      origin: await serve('JwtApi', { issuer: op.issuer, audience: PRINTER }),
      resource: PRINTER,
    }),
  },
  {
    name: 'Spring Security with opaque tokens',
    expired: () => expired.opaque,
    async open() {
      const { client, clientSecret } = await op.provider.clients.create({
        name: 'API',
        grantTypes: ['client_credentials'],
        tokenEndpointAuthMethod: 'client_secret_basic',
        scopes: ['introspection'],
        fields: { resources: [OPAQUE] },
      });
      const origin = await serve('OpaqueApi', {
        introspection: op.provider.url('introspect'),
        'client.id': client.clientId,
        'client.secret': clientSecret ?? '',
      });
      return { origin, resource: OPAQUE };
    },
  },
];

describe.each(APIS)('$name', ({ open, expired: late }) => {
  let api: Api;
  beforeAll(async () => {
    api = await open();
  });

  it('[RFC6750 §2.1] takes a good token, of a client and of a person', async () => {
    const { clientId } = application;
    const answer = await ask(api, '/read', await tokenFor(api.resource));
    expect([answer.status, await answer.json()]).toMatchObject([200, { sub: clientId }]);
    const request = { scope: 'openid read write', resource: api.resource };
    const { access_token } = await application.signIn(request);
    for (const path of ['/read', '/write']) {
      const own = await ask(api, path, access_token);
      expect([own.status, await own.json()]).toMatchObject([
        200,
        { sub: ALICE.sub, client_id: clientId },
      ]);
    }
  });
  it('[RFC6750 §3.1] refuses a token without the scope', async () => {
    const answer = await ask(api, '/write', await tokenFor(api.resource, 'read'));
    expect(answer.status).toBe(403);
    expect(answer.headers.get('www-authenticate')).toContain('insufficient_scope');
  });
  it.each<[rule: string, token: () => Promise<string | null>]>([
    ['[RFC6750 §3] no token', async () => await Promise.resolve(null)],
    ['[RFC9068 §4] [RFC7662 §4] one for another audience', async () => await tokenFor(ARCHIVE)],
    ['[RFC9068 §4] [RFC7662 §2.2] one that has expired', async () => await Promise.resolve(late())],
    [
      '[RFC9068 §4] [RFC8725 §3.11] an ID token',
      async () => String((await application.signIn({ scope: 'openid read' })).id_token),
    ],
    [
      '[RFC6750 §3.1] one that was changed',
      async () =>
        (await tokenFor(api.resource)).replace(/.(?=.{20}$)/, (c) => (c === 'A' ? 'B' : 'A')),
    ],
  ])('refuses %s', async (_rule, token) => {
    const answer = await ask(api, '/read', await token());
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
  });
  it('[RFC7662 §2.2] refuses one that was revoked, if it asks', async () => {
    const token = await tokenFor(api.resource);
    expect((await ask(api, '/read', token)).status).toBe(200);
    await application.revoke(token);
    expect((await ask(api, '/read', token)).status).toBe(api.resource === OPAQUE ? 401 : 200);
  });
});

describe('Spring Security with JWTs that are bound to a key', () => {
  it('[RFC9449 §7.1] [RFC9449 §7.2] takes a token with a proof, and not as a bearer token', async () => {
    const origin = await serve('JwtApi', { issuer: op.issuer, audience: PRINTER });
    const bound = await register(op, openidClient, { isDpop: true });
    const { access_token } = await bound.clientCredentials({ scope: 'read', resource: PRINTER });
    expect((await bound.call(new URL('/read', origin), access_token)).status).toBe(200);
    expect((await ask({ origin, resource: PRINTER }, '/read', access_token)).status).toBe(401);
    const thief = await register(op, openidClient, { isDpop: true });
    const stolen = thief.call(new URL('/read', origin), access_token);
    await expect(stolen).rejects.toMatchObject({ status: 401 });
  });
});

describe('Nimbus, offline', () => {
  /** What it says of each token. */
  async function verified(
    audience: string,
    tokens: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): Promise<readonly string[]> {
    const env = {
      ...process.env,
      KEYS: JSON.stringify({ keys: await op.provider.keys.published() }),
      ISSUER: op.issuer,
      AUDIENCE: audience,
      ...more,
    };
    const child = spawn('java', ['-cp', CLASSPATH, 'valetkey.NimbusCheck'], { env });
    child.stdin.end(`${tokens.join('\n')}\n`);
    const ended = once(child, 'close');
    const [printed, problems] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(await ended, problems).toEqual([0, null]);
    return printed.trim().split('\n');
  }

  it.each(ALGS)('[RFC9068 §4] verifies a token that is signed by %s', async (alg) => {
    const [said = ''] = await verified(apiOf(alg), [await tokenFor(apiOf(alg))]);
    expect(JSON.parse(said)).toMatchObject({ iss: op.issuer, aud: apiOf(alg), scope: 'read' });
  });
  it.each(KEY_ALGS)(
    '[RFC9068 §2] [RFC7519 §5.2] opens and verifies a token that is encrypted by %s',
    async (alg) => {
      const keys = JSON.stringify({ keys: [privateKeys.get(alg)] });
      const more = { PRIVATE_KEYS: keys, JWE_ALG: alg, JWE_ENC: 'A256GCM' };
      const [said = ''] = await verified(apiOf(alg), [await tokenFor(apiOf(alg))], more);
      expect(JSON.parse(said)).toMatchObject({ iss: op.issuer, aud: apiOf(alg) });
    },
  );
  it('[RFC9068 §4] refuses what is no access token for this API', async () => {
    const good = await tokenFor(PRINTER);
    const { id_token } = await application.signIn({ scope: 'openid read' });
    const [header, claims] = good.split('.');
    const [, , signature] = (await tokenFor(PRINTER)).split('.');
    const said = await verified(PRINTER, [
      good,
      await tokenFor(ARCHIVE),
      expired.jwt,
      String(id_token),
      [header, claims, signature].join('.'),
    ]);
    expect(said).toEqual([
      expect.stringMatching(/^\{/),
      expect.stringMatching(/^refused: .*audience/i),
      expect.stringMatching(/^refused: .*expired/i),
      expect.stringMatching(/^refused: .*typ/i),
      expect.stringMatching(/^refused: .*signature/i),
    ]);
  });
});
