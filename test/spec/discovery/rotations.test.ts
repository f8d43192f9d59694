/** Many rotations of the signing keys, seen by somebody who keeps the key set as long as told. */
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { type Config, memoryDatabase } from 'valetkey';
import { expect, it } from 'vitest';
import { claimsOf, getTokens, ISSUER, makeWorld, post, read, type World } from '../setup.ts';

const HOUR = 3600;
const ROTATIONS = 120;

/** Keys that the provider makes and rotates, instead of given ones. */
const OWN_KEYS = { signingKeys: undefined } as unknown as Partial<Config>;

/** A relying party that reads the key set anew only when its copy is older than it may be. */
class PatientVerifier {
  #keys: JSONWebKeySet = { keys: [] };
  #until = 0;

  async verify({ now, provider, web }: World, jwt: string): Promise<void> {
    if (now >= this.#until) {
      const response = await provider.fetch(new Request(`${ISSUER}/.well-known/jwks.json`));
      const { body, headers } = await read(response);
      const [, seconds = ''] = /max-age=(\d+)/.exec(headers.get('cache-control') ?? '') ?? [];
      this.#keys = body as unknown as JSONWebKeySet;
      this.#until = now + Number(seconds);
    }
    await jwtVerify(jwt, createLocalJWKSet(this.#keys), {
      issuer: ISSUER,
      audience: web.clientId,
      currentDate: new Date(now * 1000),
    });
  }
}

it('[OIDC Core §10.1.1] JW-10 MD-02 120 rotations fail no verification, whatever is cached as long as told', async () => {
  const options: Partial<Config> = {
    store: memoryDatabase(),
    keySchedule: { algs: ['ES256'], rotateEvery: 3 * HOUR, publishBefore: 2 * HOUR },
    publicMaxAge: HOUR,
    lifetimes: {
      idToken: HOUR,
      refreshTokenIdle: 30 * 24 * HOUR,
      refreshTokenAbsolute: 400 * 24 * HOUR,
    },
  };
  const world = await makeWorld({ ...options, ...OWN_KEYS });
  // Verifiers that began at other times have other copies.
  const verifiers = Array.from({ length: 8 }, () => new PatientVerifier());
  await world.provider.maintain();
  await world.provider.clients.update(world.web.clientId, { idTokenSignedResponseAlg: 'ES256' });
  let { refresh_token: refreshToken } = await getTokens(world);
  const kids = new Set<string>();
  let verified = 0;
  const living: { readonly jwt: string; readonly until: number }[] = [];
  for (let step = 0; kids.size <= ROTATIONS; step += 1) {
    expect(step).toBeLessThan(ROTATIONS * 10);
    // Not a divisor of any of the times above.
    world.now += 1801;
    await world.provider.maintain();
    const { body } = await post(world, 'token', {
      grant_type: 'refresh_token',
      refresh_token: String(refreshToken),
    });
    refreshToken = String(body['refresh_token']);
    const jwt = String(body['id_token']);
    const [header = ''] = jwt.split('.');
    kids.add(String(JSON.parse(Buffer.from(header, 'base64url').toString()).kid));
    living.push({ jwt, until: Number(claimsOf(jwt)['exp']) });
    while ((living[0]?.until ?? 0) <= world.now) living.shift();
    const verifier = verifiers[step % verifiers.length];
    for (const one of living) {
      await verifier?.verify(world, one.jwt);
      verified += 1;
    }
  }
  expect(verified).toBeGreaterThan(ROTATIONS * 5);
}, 60_000);
