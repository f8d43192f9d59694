/** Clients that the settings file lists: made at the start, and changed there alone. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place, run, told } from './command-line.ts';

let place: Place;
let env: Place['env'];
beforeAll(async () => {
  place = await makePlace({ APP_SECRET: 'a-secret-of-more-than-32-characters' });
  const config = join(place.folder, 'settings.json');
  const clients = [
    {
      clientId: 'listed',
      name: 'Listed',
      kind: 'web',
      redirectUris: ['https://app.example/callback'],
      clientSecretEnv: 'APP_SECRET',
    },
  ];
  writeFileSync(config, JSON.stringify({ clients }));
  env = { ...place.env, VALETKEY_CONFIG: config };
  await told(['init'], env);
});
afterAll(async () => await place.remove());

describe('a client of the settings file', () => {
  it('is registered by the first start, and shown as managed', async () => {
    expect(await told(['application', 'show', '--client-id', 'listed'], env)).toMatchObject({
      client_id: 'listed',
      registered_by: 'configuration',
      id_token_claims: true,
      redirect_uris: ['https://app.example/callback'],
    });
    const { stdout } = await run(['application', 'show', '--client-id', 'listed'], env);
    expect(stdout).toMatch(/Registered by +the configuration, which manages it/);
  });
  it.each([['update', '--name', 'x'], ['delete'], ['rotate-secret']])(
    'is not changed by application %s: the next start would undo it',
    async (name, ...options) => {
      const words = ['application', name, '--client-id', 'listed', ...options];
      const { code, stderr } = await run(words, env);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/listed is managed: .*restart/)]);
    },
  );
  it('can be disabled at once, in an emergency', async () => {
    await told(['application', 'disable', '--client-id', 'listed'], env);
    await told(['init'], env);
    const shown = await told(['application', 'show', '--client-id', 'listed'], env);
    expect(shown['disabled']).toBe(true);
  });
});
