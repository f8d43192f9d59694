/** The languages of the built-in pages: which one people get, and that it is complete. */
import { readFileSync } from 'node:fs';
import { ConfigError, type LoginView } from 'valetkey';
import {
  type BuiltInPagesOptions,
  builtInPages,
  ENGLISH,
  FRENCH,
  GERMAN,
  type Messages,
  markup,
} from 'valetkey/pages';
import { describe, expect, it } from 'vitest';
import { ALL, CONSENT, LOGIN, PAGE, PAGES, statesIn } from '../pages/views.ts';

/** Language and heading of the login page. */
const seen = (locales: readonly string[], options: BuiltInPagesOptions = {}): string => {
  const draw = builtInPages(options).login as (view: LoginView) => string;
  const html = draw({ ...LOGIN, locales });
  return `${/<html lang="([^"]*)"/.exec(html)?.[1]} ${/<h1>([^<]*)/.exec(html)?.[1]}`;
};

/** Every text of a language, with functions called, by its path. */
const texts = (messages: Messages): Map<string, string> => {
  const found = new Map<string, string>();
  const ARGUMENTS: Readonly<Record<string, readonly unknown[]>> = {
    limited: [[null], [1], [40], [90]],
    title: [[400], [403], [404], [429], [500]],
    advice: [[400], [429], [500]],
  };
  const visit = (value: unknown, path: string): void => {
    const last = path.split('.').at(-1) ?? '';
    if (typeof value === 'function') {
      for (const given of (ARGUMENTS[last] ?? [[markup`{first}`, markup`{second}`]]) as unknown[][])
        found.set(`${path}(${given.join()})`, String(value(...given)));
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, member] of Object.entries(value))
        visit(member, path === '' ? name : `${path}.${name}`);
    } else found.set(path, String(value));
  };
  visit(messages, '');
  return found;
};
const english = texts(ENGLISH);
const placeholders = (text = ''): string[] => (text.match(/\{\w+\}|[0-9]+/g) ?? []).sort();

describe.each([
  ['German', GERMAN, ['about.website', 'device.code']],
  ['French', FRENCH, ['device.code']],
])('%s', (_, messages, same) => {
  const own = texts(messages);

  it('has every text of the English pages, with the same names and numbers in it', () => {
    expect([...own.keys()]).toEqual([...english.keys()]);
    for (const [path, text] of own)
      expect([path, placeholders(text)]).toEqual([path, placeholders(english.get(path))]);
  });

  it('leaves no text in English', () => {
    const left = [...own].filter(
      ([path, text]) => text.trim() === '' || text === english.get(path),
    );
    expect(left.map(([path]) => path)).toEqual(same);
  });

  it('has curly apostrophes and no straight quotes', () => {
    for (const [path, text] of own) expect([path, /['"]/.test(text)]).toEqual([path, false]);
  });

  it.each(Object.keys(ALL))('the page says its language: %s', (name) => {
    expect(statesIn(messages.lang)[name]).toMatch(
      new RegExp(`^<!DOCTYPE html>\n<html lang="${messages.lang}">`),
    );
  });
});

it('French marks keep to their words', () => {
  for (const [path, text] of texts(FRENCH)) {
    expect([path, text]).not.toEqual([path, expect.stringMatching(/[^\u202f][;!?»]|«[^\u202f]/)]);
    expect([path, text]).not.toEqual([path, expect.stringMatching(/[^\u00a0]:/)]);
  }
});

describe('people read', () => {
  it.each([
    [['de'], 'de Anmelden'],
    [['de-AT'], 'de Anmelden'],
    [['DE-de-1996'], 'de Anmelden'],
    [['fr-CH', 'en'], 'fr Se connecter'],
    [['nl', 'fr', 'de'], 'fr Se connecter'],
    [['nl', 'zh-Hant-TW'], 'en Sign in'],
    [['en-GB', 'de'], 'en Sign in'],
    [['den'], 'en Sign in'],
    [[''], 'en Sign in'],
    [[], 'en Sign in'],
  ])('the best language of those they want: %j', (locales, expected) => {
    expect(seen(locales)).toBe(expected);
  });

  it('standard scopes in their language, other scopes as the operator describes them', () => {
    const html = PAGES.consent({
      ...CONSENT,
      locales: ['de'],
      newScopes: [
        ...CONSENT.newScopes,
        { name: 'phone', description: 'Call you at night', writes: false },
        { name: 'constructor', description: 'Build things', writes: false },
      ],
    });
    expect([...html.matchAll(/<li>([^<]*)<\/li>/g)].map(([, text]) => text)).toEqual([
      'Ihre Identität bestätigen',
      'Ihre E-Mail-Adresse sehen',
      'Call you at night',
      'Build things',
    ]);
  });

  it('an English description of the error, marked as such, with advice in their language', () => {
    const html = statesIn('fr')['error'] ?? '';
    expect(html).toContain('class="lead" lang="en">The redirect_uri is not registered');
    expect(html).toContain('Revenez à l’application');
    expect(ALL['error']).not.toContain('lang="en">The');
  });

  it('how long they have to wait', () => {
    expect(statesIn('de')['login, limited']).toContain('in 14\u00a0Minuten noch einmal.');
    expect(statesIn('fr')['login, limited']).toContain('dans 14\u00a0minutes.');
  });
});

it('the English texts of the standard scopes are those of the core', () => {
  const core = readFileSync(new URL('../../src/protocol/claims.ts', import.meta.url), 'utf8');
  for (const text of Object.values(ENGLISH.scopes)) expect(core).toContain(`'${text}'`);
});

describe('a host', () => {
  const dutch: Messages = {
    ...ENGLISH,
    lang: 'nl',
    login: { ...ENGLISH.login, title: 'Inloggen' },
  };

  it.each([
    [['nl-BE'], 'nl Inloggen'],
    [['en'], 'en Sign in'],
    [['fr'], 'fr Se connecter'],
    [['es'], 'nl Inloggen'],
    [[], 'nl Inloggen'],
  ])('adds a language, which is the first then: %j', (locales, expected) => {
    expect(seen(locales, { messages: [dutch] })).toBe(expected);
  });

  it('replaces a language, whatever its region', () => {
    const mine = { ...ENGLISH, lang: 'en-GB', login: { ...ENGLISH.login, title: 'Log in' } };
    for (const locale of ['en', 'en-US', 'en-GB'])
      expect(seen([locale], { messages: [mine] })).toBe('en-GB Log in');
  });

  it.each([
    [['de'], 'de Einloggen'],
    [['de-AT'], 'de Einloggen'],
    [['de-CH'], 'de-CH Einloggen, bitte'],
    [['en'], 'en Sign in'],
  ])('changes single words, also for a region: %j', (locales, expected) => {
    const words = {
      de: { login: { title: 'Einloggen' } },
      'de-CH': { login: { title: 'Einloggen, bitte' } },
    };
    expect(seen(locales, { words })).toBe(expected);
  });

  it('says what its own scopes mean, in each language', () => {
    const mine = builtInPages({ words: { de: { scopes: { read: 'Ihre Fotos sehen' } } } });
    const draw = mine.consent as typeof PAGES.consent;
    const newScopes = [
      { name: 'read', description: 'See your photos', writes: false },
      { name: 'email', description: 'See your email address', writes: false },
    ];
    const html = draw({ ...CONSENT, locales: ['de'], newScopes });
    expect(html).toContain('<li>Ihre Fotos sehen</li>');
    expect(html).toContain('<li>Ihre E-Mail-Adresse sehen</li>');
    expect(draw({ ...CONSENT, newScopes })).toContain('<li>See your photos</li>');
  });

  it('offers only some languages', () => {
    const options = { languages: ['de', 'en'] };
    expect([seen(['fr'], options), seen(['en'], options)]).toEqual(['de Anmelden', 'en Sign in']);
    expect(builtInPages(options).languages).toEqual(['de', 'en']);
    expect(builtInPages().languages).toEqual(['en', 'de', 'fr']);
  });

  it.each([
    { words: { nl: {} } },
    { languages: ['nl'] },
    { words: { de: { login: { heading: 'x' } } } },
    { words: { de: { login: { limited: 'x' } } } },
    { words: { de: { login: 'x' } } },
    { words: { de: { footer: 'x' } } },
    { words: { de: null } },
  ])('is told of a language without texts and of texts that do not exist: %j', (options) => {
    expect(() => builtInPages(options as BuiltInPagesOptions)).toThrow(ConfigError);
  });
});

it('the page at the root shows name and logo of the operator', () => {
  const html = PAGES.home({
    ...PAGE,
    logoUrl: '/me.svg',
    discoveryUrl: 'https://op.example/.well-known/openid-configuration',
  });
  expect(html).toContain('<span class="brand-name">Northwind ID</span>');
  expect(html).toContain('src="/me.svg"');
  expect(html).toContain('href="https://op.example/.well-known/openid-configuration"');
});
