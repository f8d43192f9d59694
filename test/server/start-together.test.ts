/**
 * Ten servers start at the same time on an empty database: one of them creates each thing, the
 * others find it, and all of them work. Row X-4.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES } from '../databases.ts';
import { type Program, start, stop } from '../processes.ts';
import {
  inspect,
  type Json,
  kidsAt,
  makePlace,
  type Place,
  told,
  untilTold,
} from './command-line.ts';
import { post } from './sign-in.ts';

describe.concurrent.each(DATABASES)('$name', (kind) => {
  describe.skipIf(kind.missing).sequential('ten servers at once', () => {
    let place: Place;
    let servers: readonly Program[];
    let tales: readonly Json[];
    /** The values that servers reported for what they created. */
    const made = (what: string, key: string): unknown[] =>
      tales
        .map((tale) => (tale[what] as Json | null)?.[key] ?? false)
        .filter((value) => value !== false);

    beforeAll(async () => {
      // Each server listens on any free port, and all serve the same issuer.
      place = await makePlace({ PORT: '0' }, kind);
      servers = Array.from({ length: 10 }, () =>
        start('src/cli/main.ts', ['serve', '--json'], place.env),
      );
      tales = await Promise.all(servers.map(untilTold));
    });
    afterAll(async () => {
      await Promise.all(servers.map(async (server) => await stop(server)));
      await place.remove();
    });

    it('X-4 create one secret, one key set, one administrator and one demo application', async () => {
      expect(
        [
          made('made', 'secret'),
          made('administrator', 'password'),
          made('demo', 'clientSecret'),
        ].map(({ length }) => length),
      ).toEqual([1, 1, 1]);
      const sets = await Promise.all(
        tales.map(async ({ listening }) => (await kidsAt(String(listening))).join()),
      );
      expect([new Set(sets).size, sets[0]?.split(',').length]).toEqual([1, 4]);
      expect((await told(['user', 'list'], place.env))['users']).toHaveLength(1);
      expect((await told(['application', 'list'], place.env))['applications']).toHaveLength(1);
      expect(readdirSync(join(place.folder, 'data'))).toEqual(['secret']);
    });

    it('X-4 all report the same; exactly one reports that it created the schema, and one the keys', () => {
      expect(
        tales.filter(({ administrator, demo }) => administrator === null || demo === null),
      ).toEqual([]);
      expect(made('made', 'issuer')).toHaveLength(1);
      expect(
        tales.filter((tale) => ((tale['made'] as Json)['migrations'] as unknown[]).length > 0),
      ).toHaveLength(1);
      expect(made('keys', 'made')).toHaveLength(1);
    });

    it('print a password and a secret that work', async () => {
      const [[password], [clientSecret]] = [
        made('administrator', 'password'),
        made('demo', 'clientSecret'),
      ];
      const signedIn = await inspect(
        place,
        async ({ accounts }) =>
          await accounts.authenticate({ username: 'admin', password: String(password) }),
      );
      expect(signedIn?.account.claims['name']).toBe('Administrator');
      const demo = { clientId: 'demo', clientSecret: String(clientSecret), redirectUri: '' };
      for (const { listening } of tales)
        expect(
          (await post(String(listening), 'token', { grant_type: 'client_credentials' }, demo))
            .status,
        ).toBe(200);
    });
  });
});
