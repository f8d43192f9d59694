/** What the store, the events and the log hold: nothing that anybody could use. Rules ST. */
import { memoryDatabase, type Store } from 'valetkey';
import { expect, it } from 'vitest';
import {
  ALICE,
  basic,
  browserOf,
  getCode,
  logIn,
  makeWorld,
  openAuthorize,
  pkce,
  post,
  redeem,
} from '../setup.ts';

/** Keeps everything that is handed to the store, to be written or to be looked for. */
function recording(store: Store, written: unknown[]): void {
  for (const methods of Object.values(store) as unknown[]) {
    if (typeof methods !== 'object' || methods === null) continue;
    for (const [name, method] of Object.entries(methods) as [
      string,
      (...args: unknown[]) => unknown,
    ][]) {
      Object.assign(methods, {
        [name]: (...args: unknown[]) => {
          written.push(args);
          return method(...args);
        },
      });
    }
  }
}

it('ST-01 ST-02 writes no code, token, secret or cookie to the store, the events or the log', async () => {
  const lines: string[] = [];
  const log = (fields: object, message: string): void =>
    void lines.push(JSON.stringify(fields) + message);
  const store = memoryDatabase();
  const world = await makeWorld({
    store,
    secret: 'a secret of at least thirty-two characters',
    logger: { info: log, warn: log, error: log },
    onEvent: (event) => lines.push(JSON.stringify(event)),
  });
  const written: unknown[] = [];
  recording(world.provider.store, written);
  const browser = browserOf(world);
  const proof = pkce();
  const code = await getCode(world, proof, {}, browser);
  const first = (await redeem(world, code, proof.verifier)).body as Record<string, string>;
  const second = (
    await post(world, 'token', {
      grant_type: 'refresh_token',
      refresh_token: first['refresh_token'] ?? '',
    })
  ).body as Record<string, string>;
  await logIn(browser, await openAuthorize(world, browser, { prompt: 'login' }), {
    username: 'alice',
    password: 'a wrong password',
  });
  await post(
    world,
    'token',
    { grant_type: 'client_credentials' },
    { authorization: basic(world.web.clientId, 'a wrong secret') },
  );
  await redeem(world, code, proof.verifier);
  await world.provider.close();
  const secrets = [
    code,
    proof.verifier,
    world.webSecret,
    'a wrong password',
    'a wrong secret',
    ALICE.password,
    ...Object.values(first),
    ...Object.values(second).filter((value) => typeof value === 'string' && value.length > 20),
    ...browser.cookies.values(),
  ].filter((text) => String(text).length > 12 && !String(text).includes(' profile'));
  const held = JSON.stringify(written);
  for (const secret of secrets) {
    expect(held).not.toContain(secret);
    expect(lines.join('\n')).not.toContain(secret);
  }
  expect(secrets.length).toBeGreaterThan(10);
  expect(held).toContain(ALICE.sub);
  expect(written.length).toBeGreaterThan(15);
});
