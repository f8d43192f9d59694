import { describe, expect, it } from 'vitest';
import {
  cycles,
  featuresOf,
  type Module,
  problemsOf,
  resolveFrom,
  WATCHED,
} from '../../tools/floor-rules.ts';

function file(path: string, imports: readonly string[] = [], more: Partial<Module> = {}): Module {
  return { path, imports, lines: 10, longComments: [], uses: [], ...more };
}

/** Problems of these modules, in a house whose map names every one of them. */
function problems(...modules: Module[]): string[] {
  return problemsOf(modules, modules.map(({ path }) => `\`${path}\``).join('\n'));
}

const ERRORS = file('protocol/errors.ts');
const STORE = file('store/store.ts');
const BYTES = file('crypto/bytes.ts');
const TOKENS = file('domain/tokens.ts');
const GRANT = file('engine/grant.ts');
const REFRESH = file('features/refresh-token/refresh-token.ts');
const CODE = file('features/authorization-code/grant.ts');

describe('floors', () => {
  it('lets imports go down', () => {
    const provider = file('provider.ts', [
      './features/refresh-token/refresh-token.ts',
      './protocol/errors.ts',
    ]);
    const refresh = file('features/refresh-token/refresh-token.ts', [
      './judge.ts',
      '../../engine/grant.ts',
      '../../domain/tokens.ts',
    ]);
    const judge = file('features/refresh-token/judge.ts');
    const tokens = file('domain/tokens.ts', ['../store/store.ts', '../crypto/bytes.ts', 'jose']);
    expect(problems(provider, refresh, judge, GRANT, tokens, STORE, BYTES, ERRORS)).toEqual([]);
    expect(featuresOf([refresh, judge, GRANT])).toEqual(
      new Map([['refresh-token', ['refresh-token.ts', 'judge.ts']]]),
    );
  });

  it.each([
    ['up', file('protocol/a.ts', ['../domain/tokens.ts'])],
    [
      'up from the engine to a feature',
      file('engine/a.ts', ['../features/refresh-token/refresh-token.ts']),
    ],
    ['sideways from the store to crypto', file('store/a.ts', ['../crypto/bytes.ts'])],
    ['sideways from crypto to the store', file('crypto/a.ts', ['../store/store.ts'])],
    [
      'from one feature to another',
      file('features/refresh-token/a.ts', ['../authorization-code/grant.ts']),
    ],
    ['of a package on the floor of words', file('protocol/a.ts', ['jose'])],
    ['of node: in the store', file('store/a.ts', ['node:fs'])],
    ['from the core to the ring', file('provider.ts', ['./sql/sql.ts'])],
    ['of itself by name in the core', file('domain/a.ts', ['valetkey'])],
    ['of a core path in the ring', file('sql/a.ts', ['../store/store.ts'])],
    ['of a core path in the server', file('server/a.ts', ['../provider.ts'])],
    ['of another ring part by path', file('server/a.ts', ['../sql/sql.ts'])],
    ['of another ring part by name', file('pages/a.ts', ['valetkey/accounts'])],
    ['of a file that is not there', file('domain/a.ts', ['./gone.ts'])],
  ])('refuses an import %s', (_, wrong) => {
    const house = [ERRORS, STORE, BYTES, TOKENS, GRANT, REFRESH, CODE];
    const rest = [file('sql/sql.ts'), file('provider.ts')].filter(
      ({ path }) => path !== wrong.path,
    );
    const found = problems(wrong, ...house, ...rest);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${wrong.path}: imports`);
  });

  it.each([
    ['the ring to the core by name', file('sql/a.ts', ['valetkey', 'kysely', './sql.ts'])],
    [
      'the server to other ring parts by name',
      file('server/a.ts', ['valetkey/sql', 'valetkey/pages']),
    ],
    ['the commands to the server by name', file('cli/a.ts', ['valetkey/server', 'node:fs'])],
  ])('lets %s', (_, right) => {
    expect(problems(right, file('sql/sql.ts'))).toEqual([]);
  });

  it('finds each cycle once', () => {
    const ring = [
      file('domain/a.ts', ['./b.ts']),
      file('domain/b.ts', ['./c.ts']),
      file('domain/c.ts', ['./a.ts']),
    ];
    expect(cycles(ring)).toEqual([['domain/a.ts', 'domain/b.ts', 'domain/c.ts', 'domain/a.ts']]);
    expect(problems(...ring)).toHaveLength(1);
  });

  it('refuses a long file, a name that says nothing, an unknown folder and a forbidden word', () => {
    expect(problems(file('domain/a.ts', [], { lines: 401 }))).toHaveLength(1);
    expect(problems(file('domain/a.ts', [], { longComments: [7] }))).toHaveLength(1);
    expect(problems(file('domain/utils.ts'))).toHaveLength(1);
    expect(problems(file('attic/a.ts'))).toHaveLength(1);
    expect(problems(file('protocol/a.ts', [], { uses: ['the clock'] }))).toHaveLength(1);
    const knowing = { uses: ['names of databases'] };
    for (const path of ['sql/tokens.ts', 'server/assemble.ts', 'store/a.ts'])
      expect(problems(file(path, [], knowing))).toHaveLength(1);
    expect(problems(file('sql/dialects/one.ts', [], knowing))).toEqual([]);
  });

  it.each([
    ["await import('undici')", true],
    ['const answer = await fetch(url);', true],
    ['globalThis.fetch(url)', true],
    ["import { createServer, request } from 'node:https';", true],
    ['await provider.fetch(request)', false],
    ["import { createServer } from 'node:http';", false],
  ])('OB-01 sees that %s makes requests: %s', (code, makes) => {
    expect(WATCHED['requests to others']?.test(code)).toBe(makes);
  });
  it('OB-01 lets one file make requests to others', () => {
    const fetching = { uses: ['requests to others'] };
    for (const path of ['domain/a.ts', 'features/dpop/a.ts', 'web/router.ts', 'cli/a.ts'])
      expect(problems(file(path, [], fetching))).toHaveLength(1);
    expect(problems(file('web/outbound.ts', [], fetching))).toEqual([]);
  });

  it('wants every file named in the map of the house', () => {
    expect(problemsOf([ERRORS], '')).toHaveLength(1);
    expect(problemsOf([ERRORS], 'See `protocol/errors.ts`.')).toEqual([]);
    expect(problemsOf([ERRORS], '## protocol/\n`errors` refuses.\n## crypto/\n')).toEqual([]);
    expect(problemsOf([ERRORS], '## protocol/\nnothing\n## crypto/\n`errors`')).toHaveLength(1);
  });

  it('does not pass on an empty tree', () => {
    expect(problemsOf([], '')).toHaveLength(1);
  });

  it('resolves specifiers against their importer', () => {
    expect(resolveFrom('a/b.ts', './c.ts')).toBe('a/c.ts');
    expect(resolveFrom('a/b.ts', '../c/d.ts')).toBe('c/d.ts');
    expect(resolveFrom('b.ts', './c/d.ts')).toBe('c/d.ts');
    expect(resolveFrom('a/b.ts', '../../test/x.ts')).toBe('../test/x.ts');
  });
});
