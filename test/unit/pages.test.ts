/**
 * The built-in pages as text: what strangers chose stays text, forms are whole, nothing breaks the
 * content security policy. Rows UI.
 */
import { ConfigError } from 'valetkey';
import { builtInPages, markup, templates } from 'valetkey/pages';
import { readForm } from 'valetkey/testing';
import { describe, expect, it } from 'vitest';
import { ALL, CLIENT, CONSENT, FORM, FORMS, LOGIN, PAGE, PAGES } from '../pages/views.ts';

const states = Object.entries(ALL);
const everywhere = (name: string): string[] => {
  const client = { ...CLIENT, name };
  const account = { ...PAGE, client, form: FORM, accountName: name };
  return [
    PAGES.login({ ...LOGIN, client, username: name, again: true, accountName: name }),
    PAGES.account(account),
    PAGES.consent({
      ...CONSENT,
      client,
      accountName: name,
      newScopes: [{ name, description: name, writes: true }],
    }),
    PAGES.logout(account),
    PAGES.signedOut({
      ...PAGE,
      client,
      signedOut: true,
      frames: [],
      homeUrl: 'https://op.example/',
      returnTo: null,
    }),
    PAGES.device({ ...PAGE, form: FORM, userCode: name, problem: 'unknown', retryAfter: null }),
    PAGES.deviceConfirmation({
      ...account,
      userCode: name,
      scopes: [{ name, description: name, writes: true }],
      offline: true,
      partial: false,
      details: [],
      place: name,
      sameNetwork: false,
    }),
    PAGES.deviceResult({ ...PAGE, client, allowed: true }),
    PAGES.error({
      ...PAGE,
      status: 400,
      code: name,
      reason: name,
      description: name,
      requestId: name,
      returnTo: null,
    }),
  ];
};

describe('what strangers chose', () => {
  it.each([
    ['markup', '<img src=x onerror=alert(1)>', '<img src=x'],
    ['a script', '</title><script>alert(1)</script>', '<script>alert'],
    ['double quotes', '" autofocus onfocus="alert(1)', '" autofocus onfocus'],
    ['single quotes', "' onfocus='alert(1)", "' onfocus"],
  ])('UI-05 stays text: %s', (_, name, never) => {
    for (const html of everywhere(name)) expect(html).not.toContain(never);
  });

  it.each([
    0x00, 0x07, 0x1b, 0x85, 0xad, 0x61c, 0x200b, 0x200e, 0x200f, 0x2028, 0x202a, 0x202e, 0x2066,
    0x2069, 0xfeff, 0xe0041,
  ])('UI-05 a name loses what cannot be seen or turns the text: U+%s', (code) => {
    const character = String.fromCodePoint(code);
    const html = PAGES.consent({
      ...CONSENT,
      client: { ...CLIENT, name: `Bank${character}knaB` },
      accountName: `A${character}B`,
    });
    expect(html).not.toContain(character);
    expect(html).toContain('<bdi>Bank knaB</bdi>');
  });

  it('UI-05 a name of 10 KB is cut, on a whole character; marks do not pile up', () => {
    const html = PAGES.login({ ...LOGIN, client: { ...CLIENT, name: '👩🏽'.repeat(2500) } });
    const shown = /<bdi>([^<]*)<\/bdi>/.exec(html)?.[1] ?? '';
    expect([[...shown].length, shown.at(-1), /\p{Cs}/u.test(shown)]).toEqual([80, '…', false]);
    const piled = PAGES.login({
      ...LOGIN,
      client: { ...CLIENT, name: `Z${'\u0301'.repeat(500)}` },
    });
    expect(piled).toContain('<bdi>Z\u0301\u0301\u0301</bdi>');
  });

  it('UI-05 joiners stay, since scripts and emoji need them', () => {
    expect(PAGES.login({ ...LOGIN, client: { ...CLIENT, name: '👩‍🚀 می‌خواهم' } })).toContain(
      '<bdi>👩‍🚀 می‌خواهم</bdi>',
    );
  });

  it('UI-15 a name of nothing gives way to the client identifier; the host is never shortened', () => {
    const host = `${'long.'.repeat(45)}evil.example`;
    const html = PAGES.consent({ ...CONSENT, client: { ...CLIENT, name: ' \u200b\u202e ', host } });
    expect(html).toContain('<bdi>photos</bdi>');
    expect(html).toContain(`<bdi>${host}</bdi>`);
  });

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt://x/%0aalert(1)',
    ' javascript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'mailto:a@b.example',
    '//evil.example',
    '/path',
    'https://user:pass@evil.example/',
    'http://',
    'https:evil.example',
  ])('UI-05 is not linked: %s', (uri) => {
    const client = { ...CLIENT, clientUri: uri, policyUri: uri, tosUri: uri };
    expect(PAGES.login({ ...LOGIN, client })).not.toContain('<a ');
    const homeUrl = 'https://op.example/';
    const signedOut = PAGES.signedOut({
      ...PAGE,
      client,
      signedOut: true,
      frames: [],
      homeUrl,
      returnTo: null,
    });
    expect([...signedOut.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, url]) => url)).toEqual([
      homeUrl,
    ]);
  });

  it('web addresses are linked, without telling where the reader comes from', () => {
    const html = PAGES.login({
      ...LOGIN,
      client: { ...CLIENT, policyUri: 'http://photos.example/p?a=1&b="' },
    });
    expect([...html.matchAll(/<a /g)]).toHaveLength(3);
    expect([
      ...html.matchAll(/<a href="https?:[^"]*" target="_blank" rel="noopener noreferrer">/g),
    ]).toHaveLength(3);
    expect(html).toContain('href="http://photos.example/p?a=1&amp;b=%22"');
  });
});

describe('forms', () => {
  it.each(Object.entries(FORMS))(
    'UI-01 %s: posts where it must, with every field, unchanged',
    (_, html) => {
      expect([...html.matchAll(/<form\b/g)]).toHaveLength(1);
      expect(html).toMatch(
        /<form id="(login|account|consent|logout|device|device-confirmation|account-overview|response)-form" method="post" action="\/post">/,
      );
      expect(readForm(html)).toMatchObject(FORM);
      const own = Object.keys(readForm(html).fields).filter((name) => !(name in FORM.fields));
      expect(own.every((name) => name === 'choose' || name.startsWith('scope:'))).toBe(true);
    },
  );

  it.each([
    ['login', ['login', 'cancel']],
    ['account', ['continue', 'switch', 'cancel']],
    ['consent', ['allow', 'deny', 'switch']],
    ['logout', ['logout', 'stay']],
    ['device', ['continue']],
    ['device, confirmation', ['allow', 'deny', 'switch']],
  ])(
    '%s: the button that Enter presses stands first, the others need no field',
    (name, decisions) => {
      const buttons = [...(FORMS[name] ?? '').matchAll(/<button\b[^>]*>/g)].map(([tag]) => tag);
      expect(buttons.map((tag) => /name="decision" value="([a-z]+)"/.exec(tag)?.[1])).toEqual(
        decisions,
      );
      expect(buttons.map((tag) => tag.includes('formnovalidate'))).toEqual(
        decisions.map((_, index) => index > 0),
      );
    },
  );

  it.each([
    ['login', 'login-form username password login-submit login-cancel'],
    ['login, wrong', 'login-problem'],
    ['account', 'account-form account-continue account-switch account-cancel'],
    ['consent', 'consent-form consent-allow consent-deny consent-switch consent-scopes'],
    ['logout', 'logout-form logout-confirm logout-stay'],
    ['device', 'device-form user-code device-submit'],
    ['device, wrong', 'device-problem'],
    [
      'device, confirmation',
      'device-confirmation-form device-allow device-deny device-switch device-code device-place device-warning device-scopes',
    ],
    ['device, allowed', 'device-allowed'],
    ['device, denied', 'device-denied'],
    ['signed out', 'signed-out'],
    ['stayed', 'still-signed-in'],
    ['error', 'error-title error-code error-reason error-description error-request'],
  ])('identifiers that others hold on to: %s', (name, ids) => {
    for (const id of ids.split(' '))
      expect([...(ALL[name] ?? '').matchAll(new RegExp(` id="${id}"`, 'g'))], id).toHaveLength(1);
  });

  it('password managers find their fields; a problem is tied to them, and the empty one has the focus', () => {
    const field = (html: string, id: string): string =>
      new RegExp(`<input id="${id}"[^>]*>`).exec(html)?.[0] ?? '';
    const first = FORMS['login'] ?? '';
    expect(field(first, 'username')).toMatch(
      /autocomplete="username" autocapitalize="none".* required autofocus>$/,
    );
    expect(field(first, 'password')).toMatch(
      /type="password" autocomplete="current-password" data-show="Show" data-hide="Hide" required>$/,
    );
    const wrong = FORMS['login, wrong'] ?? '';
    expect(field(wrong, 'username')).toContain('value="alice"');
    expect(field(wrong, 'username')).toContain(
      'aria-describedby="login-problem" aria-invalid="true"',
    );
    expect(field(wrong, 'password')).toMatch(
      /aria-describedby="login-problem" aria-invalid="true" autofocus>$/,
    );
    expect(wrong).toMatch(/<p id="login-problem"[^>]* role="alert">/);
    expect(wrong).toContain('<title>Problem: ');
  });

  it.each([
    [1, '1 second'],
    [40, '40 seconds'],
    [90, '2 minutes'],
    [840, '14 minutes'],
    [null, 'later'],
  ])('says when to try again: %s', (retryAfter, words) => {
    expect(PAGES.login({ ...LOGIN, problem: 'limited', retryAfter })).toContain(`${words}.`);
  });
});

describe('under the content security policy', () => {
  it.each(states)('UI-06 nothing inline, nothing from elsewhere: %s', (_, html) => {
    expect(html).not.toMatch(/<style|<iframe|<object|<base|\sstyle=|\son[a-z]+\s*=/i);
    const loaded = [...html.matchAll(/<(?:link|img)\b[^>]*\b(?:href|src)="([^"]*)"/g)].map(
      ([, url]) => url,
    );
    expect(loaded).toHaveLength(3);
    // A module, so that browsers which are too old for it run nothing; and only where a form is.
    const script = /<script type="module" src="\/assets\/page\.js\?v=[0-9a-f]{8}"><\/script>\n/;
    expect(script.test(html)).toBe(html.includes('<form'));
    expect(html.replace(script, '')).not.toContain('<script');
    for (const url of loaded) expect(url).toMatch(/^\/assets\/(style\.css|logo)\?v=[0-9a-f]{8}$/);
  });

  it('UI-06 the files load nothing either', () => {
    for (const { body } of Object.values(PAGES.assets ?? {})) {
      expect(String(body).replace('http://www.w3.org/2000/svg', '')).not.toMatch(
        /url\(|@import|https?:|<script/,
      );
    }
  });

  it.each(states)('has a language, a title of its own, one heading: %s', (_, html) => {
    expect(html).toMatch(/^<!DOCTYPE html>\n<html lang="en">/);
    expect(html).toMatch(/<title>[^<]+ – Northwind ID<\/title>/);
    expect([...html.matchAll(/<h1\b/g)]).toHaveLength(1);
  });
});

describe('an option that does not exist', () => {
  it.each<[object, RegExp]>([
    [
      { acentColor: '#123456' },
      /pages\.acentColor: is no option and no page\. Did you mean accentColor\?/,
    ],
    [{ consnt: '/my/consent' }, /pages\.consnt: .* Did you mean consent\?/],
    [{ login: 5 }, /pages\.login: is no option/],
    [{ brandingSettings: {} }, /pages\.brandingSettings: .*There are: accentColor/],
  ])('%o is told, with the nearest name', (options, problem) =>
    expect(() => builtInPages(options as Parameters<typeof builtInPages>[0])).toThrow(problem),
  );
});

describe('what a host may change', () => {
  it('name and logo come from the provider', () => {
    const html = PAGES.login({ ...LOGIN, providerName: 'A & B', logoUrl: '/me.svg' });
    expect(html).toContain('<span class="brand-name">A &amp; B</span>');
    expect(html).toContain('src="/me.svg"');
  });

  it('single pages, by a function or the address of a page', () => {
    const mine = builtInPages({ login: () => 'mine', consent: '/consent' });
    expect(typeof mine.login === 'function' && mine.login(LOGIN)).toBe('mine');
    expect(mine.consent).toBe('/consent');
    expect(mine.account).toBeTypeOf('function');
  });

  it('rules of its own come last, and the address of the style sheet changes with them', () => {
    const mine = builtInPages({ css: '.card { border: 0; }' });
    expect(mine.assets?.['style.css']?.body).toMatch(/\.card \{ border: 0; \}$/);
    const address = (html: string): string => /style\.css\?v=\w+/.exec(html)?.[0] ?? '';
    expect(typeof mine.login === 'function' && address(mine.login(LOGIN))).not.toBe(
      address(PAGES.login(LOGIN)),
    );
  });

  it.each([
    ['#0f766e', '#0f766e', '#ffffff'],
    ['#fd0', '#ffdd00', '#000000'],
    ['#FFFFFF', '#ffffff', '#000000'],
    ['#000', '#000000', '#ffffff'],
  ])(
    'the accent %s brings a text colour that can be read on it',
    (accentColor, accent, onAccent) => {
      const { assets } = builtInPages({ accentColor });
      expect(assets?.['style.css']?.body).toContain(`--accent: ${accent};`);
      expect(assets?.['style.css']?.body).toContain(`--on-accent: ${onAccent};`);
      expect(assets?.['logo']?.body).toContain(`fill="${accent}"`);
    },
  );

  it.each(['red', '#12', '#12345', '0f766e', '#0f766e; } body { display: none', ''])(
    'anything else is no accent: %s',
    (accentColor) => {
      expect(() => builtInPages({ accentColor })).toThrow(ConfigError);
    },
  );

  it('a template of its own stands in the same document, and may call the built-in one', () => {
    const mine = builtInPages({
      templates: {
        error: (view, messages) => {
          const sheet = templates.error(view, messages);
          return {
            title: 'Oh <no>',
            content: markup`<p id="mine">${view.reason} & ${'<b>'}</p>${sheet.content}`,
          };
        },
      },
    });
    const html = mine.error({
      ...PAGE,
      status: 400,
      code: 'invalid_request',
      reason: 'r<',
      description: 'd',
      requestId: 'x',
      returnTo: null,
    });
    expect(html).toContain('<title>Oh &lt;no&gt; – Northwind ID</title>');
    expect(html).toContain('<p id="mine">r&lt; & &lt;b&gt;</p>');
    expect(html).toContain('id="error-reason"');
    expect(html).toContain('/assets/style.css?v=');
  });

  it('a logo of its own', () => {
    const logo = { contentType: 'image/png', body: new Uint8Array([1, 2, 3]) };
    expect(builtInPages({ logo }).assets?.['logo']).toEqual(logo);
  });
});
