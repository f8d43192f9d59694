/** `valetkey initial-access-token …`, and a client that registers with what it prints. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  calledTold,
  inspect,
  type Json,
  makePlace,
  type Place,
  problemsIn,
  run,
  told,
} from './command-line.ts';

let place: Place;
let off: Place;
beforeAll(async () => {
  place = await makePlace({ VALETKEY_DYNAMIC_REGISTRATION_ENABLED: 'true' });
  off = await makePlace();
  for (const { env } of [place, off]) await told(['init'], env);
});
afterAll(async () => {
  await place.remove();
  await off.remove();
});

const create = async (...options: string[]): Promise<Json> =>
  await calledTold(['initial-access-token', 'create', '--name', 'Team', ...options], place.env);
const list = async (): Promise<readonly Json[]> => {
  const { initial_access_tokens: all } = await calledTold(
    ['initial-access-token', 'list'],
    place.env,
  );
  return all as readonly Json[];
};

/** Registers with a token. */
const register = async (
  token: unknown,
): Promise<{ readonly status: number; readonly body: Json }> =>
  await inspect(place, async ({ provider }) => {
    const response = await provider.fetch(
      new Request(provider.url('registration'), {
        method: 'POST',
        headers: { authorization: `Bearer ${String(token)}`, 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: ['https://app.example/cb'] }),
      }),
    );
    return { status: response.status, body: (await response.json()) as Json };
  });

describe('initial-access-token', () => {
  it('RG-01 is refused where applications cannot register, with what to change', async () => {
    const command = ['initial-access-token', 'create', '--name', 'Team'];
    const ran = await run(command, off.env);
    expect(ran.code).toBe(1);
    expect(problemsIn(ran)).toEqual([
      'Applications cannot register themselves here. To switch it on, set dynamicRegistration.enabled to true in the settings file, or VALETKEY_DYNAMIC_REGISTRATION_ENABLED=true for this command and for the server.',
    ]);
  });
  it('RG-01 create prints a token of one use, which lasts seven days', async () => {
    const made = await create();
    expect(made).toMatchObject({ name: 'Team', uses_left: 1 });
    expect(Number(made['ends']) - Number(made['created'])).toBe(7 * 86_400);
    const first = await register(made['initial_access_token']);
    expect([first.status, first.body['client_name']]).toEqual([201, 'app.example']);
    expect((await register(made['initial_access_token'])).status).toBe(401);
  });
  it('RG-01 list shows what is left and never the token; delete ends one', async () => {
    const made = await create('--uses', '3', '--days', '1');
    await register(made['initial_access_token']);
    const listed = await list();
    expect(listed.find(({ id }) => id === made['id'])).toEqual({
      id: made['id'],
      name: 'Team',
      uses_left: 2,
      created: made['created'],
      ends: Number(made['created']) + 86_400,
    });
    expect(JSON.stringify(listed)).not.toContain(made['initial_access_token']);
    const remove = ['initial-access-token', 'delete', '--id', String(made['id'])];
    expect(await calledTold(remove, place.env)).toEqual({ deleted: made['id'] });
    expect((await register(made['initial_access_token'])).status).toBe(401);
    const again = await run(remove, place.env);
    expect(problemsIn(again)).toEqual([
      `There is no token ${String(made['id'])}. See: valetkey initial-access-token list`,
    ]);
  });
  it.each([
    ['--uses', '0'],
    ['--uses', 'x'],
    ['--days', '0'],
    ['--days', '4000'],
  ])('%s %s is refused', async (option, value) => {
    const command = ['initial-access-token', 'create', '--name', 'x', option, value];
    expect((await run(command, place.env)).code).toBe(1);
  });
  it('application show tells who registered it, its last use and its end', async () => {
    const { body } = await register((await create())['initial_access_token']);
    const clientId = String(body['client_id']);
    const show = ['application', 'show', '--client-id', clientId];
    const shown = await calledTold(show, place.env);
    expect(shown).toMatchObject({ registered_by: 'dynamic', last_used: null });
    expect(Number(shown['ends']) - Number(body['client_id_issued_at'])).toBe(7 * 86_400);
    await inspect(place, async ({ provider }) => {
      const credentials = Buffer.from(`${clientId}:${String(body['client_secret'])}`);
      const request = new Request(provider.url('revoke-token'), {
        method: 'POST',
        headers: {
          authorization: `Basic ${credentials.toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: 'token=x',
      });
      await provider.fetch(request);
      await provider.close();
    });
    const used = await calledTold(show, place.env);
    expect(used['last_used']).toEqual(expect.any(Number));
    expect(used['secrets']).toMatchObject([{ last_used: used['last_used'] }]);
    const { stdout } = await run(show, place.env);
    expect(stdout).toMatch(/Registered by +itself, with an initial access token/);
    expect(stdout).toMatch(/Ends +\S+ \S+, unless it is used before/);
    expect(stdout).toMatch(/Secret \S+ +of .*, last used 2/);
  });
});
