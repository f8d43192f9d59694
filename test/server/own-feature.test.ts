/**
 * The feature of `examples/feature.ts` in a settings file: the command line, the list of settings
 * and the server support it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  call,
  calledTold,
  inspect,
  makePlace,
  type Place,
  problemsIn,
  told,
} from './command-line.ts';

const FEATURE = new URL('../../examples/feature.ts', import.meta.url).href;
const folder = mkdtempSync(join(tmpdir(), 'valetkey-feature-'));
const config = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(
    path,
    `import { houseRules, invitations } from '${FEATURE}';\nexport default ${content};\n`,
  );
  return path;
};
let place: Place;
beforeAll(async () => {
  const file = config(
    'good.mjs',
    '{ features: [invitations], templates: { houseRules }, invitations: { lifetime: 42 } }',
  );
  place = await makePlace({ VALETKEY_CONFIG: file });
  await told(['init'], place.env);
});
afterAll(async () => {
  await place.remove();
  rmSync(folder, { recursive: true });
});

describe('a feature in the settings file', () => {
  it('adds its field to the help of the command line and to applications', async () => {
    const help = await call(['application', 'create', '--help'], place.env);
    expect(help.stdout).toMatch(/--may-invite\s+may make invitations/);
    const options = ['--redirect-uri', 'https://rp.example/cb', '--may-invite'];
    const made = await calledTold(
      ['application', 'create', '--name', 'App', ...options],
      place.env,
    );
    expect(made['may_invite']).toBe(true);
    const id = ['--client-id', String(made['client_id'])];
    const shown = await calledTold(['application', 'update', ...id, '--no-may-invite'], place.env);
    expect(shown['may_invite']).toBe(false);
    expect((await calledTold(['application', 'show', ...id], place.env))['may_invite']).toBe(false);
  });
  it('adds its option to the list of settings, with an environment variable', async () => {
    const { settings } = await calledTold(['doctor', '--settings'], place.env);
    expect(settings).toContainEqual({
      path: 'invitations.lifetime',
      env: 'VALETKEY_INVITATIONS_LIFETIME',
      kind: 'seconds',
      about: 'Lifetime of an invitation. Default: 600 seconds.',
    });
  });
  it('is served with the option from the file', async () => {
    await inspect(place, async ({ provider, settings }) => {
      expect(provider.handles('/o/invitations/')).toBe(true);
      expect(settings['invitations.lifetime']).toBe(42);
    });
  });
  it('an invalid option is reported under the name that was written', async () => {
    const wrong = { ...place.env, VALETKEY_INVITATIONS_LIFETIME: '0' };
    const [problem, ...more] = problemsIn(await call(['keys', 'list'], wrong));
    expect([problem, more]).toEqual([expect.stringMatching(/^VALETKEY_INVITATIONS_LIFETIME /), []]);
  });
  it.each([
    ['features', '{ features: [5] }'],
    ['features', '{ features: invitations }'],
    ['features', '{ features: [invitations()], templates: { houseRules } }'],
    ['templates', '{ features: [invitations], templates: { houseRules: 5 } }'],
    ['pages.houseRules', '{ features: [invitations] }'],
  ])('an invalid value of %s is reported: %s', async (option, content) => {
    const env = {
      ...place.env,
      VALETKEY_CONFIG: config(`bad-${option}-${content.length}.mjs`, content),
    };
    const problems = problemsIn(await call(['keys', 'list'], env));
    expect(problems.some((problem) => problem.startsWith(`${option} `))).toBe(true);
  });
});
