/**
 * The built-in pages in a real browser, under the policy that they are served with: readable in
 * light and dark, complete on a small phone, usable with the keyboard alone, and without a
 * violation of the policy or a request to another origin.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import axeCore from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { builtInPages } from 'valetkey/pages';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { services } from '../services.ts';
import { ALL, ENDS, PAGES, statesIn } from './views.ts';

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
];
const TRANSLATED = ['de', 'fr'].flatMap((language) =>
  Object.entries(statesIn(language)).map(([name, html]) => [`${language}, ${name}`, html] as const),
);
const STATES: Readonly<Record<string, string>> = { ...ALL, ...Object.fromEntries(TRANSLATED) };
const NAMES = Object.keys(ALL);

interface AxeResult {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

describe.skipIf(services.chromium === null)('the built-in pages in a browser', () => {
  let browser: Browser;
  let server: Server;
  let origin = '';
  let assets = PAGES.assets;
  let posted: URLSearchParams | null = null;

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const name = decodeURIComponent(
        new URL(request.url ?? '', 'http://localhost').pathname.slice(1),
      );
      const asset = name.startsWith('assets/') ? assets?.[name.slice('assets/'.length)] : undefined;
      if (asset !== undefined) {
        response.setHeader('Content-Type', asset.contentType);
        response.end(asset.body);
        return;
      }
      let body = '';
      for await (const chunk of request) body += chunk;
      if (request.method === 'POST') posted = new URLSearchParams(body);
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.setHeader('Content-Security-Policy', POLICY);
      response.end(STATES[name] ?? ENDS['stayed']);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({ executablePath: services.chromium ?? '', args: ARGUMENTS });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  /**
   * Opens a page and runs `work` on it. Throws when the browser logs a message, a request fails, or
   * a request goes to another origin.
   */
  async function visit(
    name: string,
    options: BrowserContextOptions,
    work: (page: Page) => Promise<void>,
  ): Promise<void> {
    const context = await browser.newContext(options);
    try {
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('requestfailed', (request) => {
        // The browser aborts what a page still loads when the test leaves that page.
        const reason = request.failure()?.errorText ?? 'unknown';
        if (reason !== 'net::ERR_ABORTED') complaints.push(`failed: ${request.url()}: ${reason}`);
      });
      page.on('request', (request) => {
        if (!request.url().startsWith(`${origin}/`))
          complaints.push(`from elsewhere: ${request.url()}`);
      });
      const response = await page.goto(`${origin}/${encodeURIComponent(name)}`);
      expect(response?.status()).toBe(200);
      await work(page);
      if (complaints.length > 0) throw new Error(complaints.join('\n'));
    } finally {
      await context.close();
    }
  }

  async function axe(page: Page): Promise<string[]> {
    await page.evaluate(axeCore.source);
    const { violations } = await page.evaluate<{ violations: readonly AxeResult[] }>('axe.run()');
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`,
    );
  }

  it('visit reports a violation of the policy', async () => {
    const watched = visit('login', {}, async (page) => {
      await page.evaluate("document.body.setAttribute('style', 'color: red')");
    });
    await expect(watched).rejects.toThrow(/Content Security Policy/);
  });

  describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
    it.each(NAMES)('UI-06 axe and the policy find no problem: %s', async (name) => {
      await visit(name, { colorScheme, viewport: { width: 1280, height: 800 } }, async (page) => {
        expect(await axe(page)).toEqual([]);
        // The background shows that the style sheet is in force, in the right colour scheme.
        const [red = 0] =
          (await page.evaluate<string>('getComputedStyle(document.body).backgroundColor'))
            .match(/\d+/g)
            ?.map(Number) ?? [];
        expect(red > 128).toBe(colorScheme === 'light');
      });
    });

    it.each(['#ffdd00', '#ffffff', '#000000', '#101080', '#7f7f7f'])(
      'text is readable with any accent colour: %s',
      async (accentColor) => {
        assets = builtInPages({ accentColor }).assets ?? {};
        try {
          for (const name of ['login, wrong', 'consent, writes']) {
            await visit(name, { colorScheme }, async (page) => expect(await axe(page)).toEqual([]));
          }
        } finally {
          assets = PAGES.assets;
        }
      },
    );
  });

  async function fits(page: Page): Promise<void> {
    const tooWide = `[...document.querySelectorAll('body *')]
      .filter((element) => !element.classList.contains('unseen') && element.getBoundingClientRect().right > 320)
      .map((element) => element.outerHTML)`;
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
    expect(await page.evaluate(tooWide)).toEqual([]);
  }

  it.each(NAMES)('the page fits into 320 pixels: %s', async (name) => {
    await visit(name, { viewport: { width: 320, height: 640 } }, async (page) => {
      await fits(page);
      // Phones zoom into a field whose text is smaller than 16 pixels.
      const sizes = await page.evaluate<string[]>(
        "[...document.querySelectorAll('input:not([type=hidden])')].map((input) => getComputedStyle(input).fontSize)",
      );
      for (const size of sizes) expect(Number.parseFloat(size)).toBeGreaterThanOrEqual(16);
    });
  });

  it.each(TRANSLATED.map(([name]) => name))(
    'other languages fit into 320 pixels, and axe finds no problem: %s',
    async (name) => {
      await visit(name, { viewport: { width: 320, height: 640 } }, async (page) => {
        await fits(page);
        expect(await axe(page)).toEqual([]);
      });
    },
  );

  it('on a phone the buttons stay in sight below many scopes, not on a low screen', async () => {
    const bottom = async (height: number): Promise<number> => {
      let found = 0;
      await visit('consent, many', { viewport: { width: 360, height } }, async (page) => {
        found = await page.evaluate(
          "document.querySelector('#consent-allow').getBoundingClientRect().bottom",
        );
      });
      return found;
    };
    expect(await bottom(640)).toBeLessThanOrEqual(640);
    expect(await bottom(320)).toBeGreaterThan(320);
  });

  it.each([
    [
      'login',
      [
        'username',
        'password',
        'password-show',
        'login-submit',
        'login-cancel',
        'Privacy policy',
        'Terms of service',
        'Website',
      ],
    ],
    [
      'account',
      [
        'account-continue',
        'account-switch',
        'account-cancel',
        'Privacy policy',
        'Terms of service',
        'Website',
      ],
    ],
    [
      'consent',
      [
        'consent-allow',
        'consent-deny',
        'consent-switch',
        'Privacy policy',
        'Terms of service',
        'Website',
      ],
    ],
    ['logout', ['logout-confirm', 'logout-stay']],
    ['signed out', ['go-on']],
  ])(
    'the keyboard reaches every control in order, with a visible focus: %s',
    async (name, expected) => {
      await visit(name, {}, async (page) => {
        const seen: string[] = [];
        for (const _ of expected) {
          // The login page focuses its first field as soon as the browser has drawn it.
          if (name === 'login' && seen.length === 0) await page.waitForSelector('#username:focus');
          else await page.keyboard.press('Tab');
          const [label, outline] = await page.evaluate<[string, string]>(`(() => {
          const here = document.activeElement;
          return [here.id || here.textContent.replace(/ \\(.*/, ''), getComputedStyle(here).outlineStyle];
        })()`);
          seen.push(label);
          expect(outline, label).toBe('solid');
        }
        expect(seen).toEqual(expected);
      });
    },
  );

  it('Enter in the password field submits the complete login form', async () => {
    await visit('login', {}, async (page) => {
      await page.waitForSelector('#username:focus');
      await page.keyboard.type('alice');
      await page.keyboard.press('Tab');
      await page.keyboard.type('correct horse');
      await Promise.all([page.waitForURL(`${origin}/post`), page.keyboard.press('Enter')]);
      expect(Object.fromEntries(posted ?? [])).toEqual({
        interaction: 'sealed',
        step: 'a "step"',
        token: 't',
        username: 'alice',
        password: 'correct horse',
        decision: 'login',
      });
    });
  });

  it('a password is shown on demand, hidden again, and never sent as a text to remember', async () => {
    await visit('login', {}, async (page) => {
      const [field, button] = [page.locator('#password'), page.locator('#password-show')];
      const state = async (): Promise<readonly (string | null)[]> => [
        await field.getAttribute('type'),
        await button.textContent(),
        await button.getAttribute('aria-pressed'),
      ];
      await page.fill('#username', 'alice');
      await field.fill('correct horse');
      expect(await state()).toEqual(['password', 'Show', 'false']);
      await button.click();
      expect(await state()).toEqual(['text', 'Hide', 'true']);
      expect(await axe(page)).toEqual([]);
      await button.click();
      expect(await state()).toEqual(['password', 'Show', 'false']);
      await button.press('Enter');
      await page.evaluate(`document.addEventListener('submit', (event) => {
        event.preventDefault();
        window.sentAs = document.querySelector('#password').type;
      })`);
      await page.click('#login-submit');
      expect(await page.evaluate('window.sentAs')).toBe('password');
    });
  });

  it('a form that is under way says so, and is not sent twice', async () => {
    await visit('consent', {}, async (page) => {
      // The answer does not come.
      await page.evaluate("document.addEventListener('submit', (event) => event.preventDefault())");
      await page.click('#consent-allow');
      expect(await page.getAttribute('#consent-allow', 'aria-busy')).toBe('true');
      await page.click('#consent-deny');
      expect(await page.getAttribute('#consent-deny', 'aria-busy')).toBeNull();
    });
    await visit('logout', {}, async (page) => {
      await page.waitForLoadState('networkidle');
      // The second click comes before the answer to the first.
      posted = null;
      await Promise.all([
        page.waitForURL(`${origin}/post`),
        page.evaluate(`{
          const [stay, leave] = ['logout-stay', 'logout-confirm'].map((id) => document.getElementById(id));
          stay.click();
          leave.click();
        }`),
      ]);
      expect((posted as URLSearchParams | null)?.get('decision')).toBe('stay');
    });
  });

  it('without scripts every form works, and nothing is offered that does not', async () => {
    await visit('login', { javaScriptEnabled: false }, async (page) => {
      expect(await page.locator('#password-show').count()).toBe(0);
      await page.fill('#username', 'alice');
      await page.fill('#password', 'correct horse');
      await Promise.all([page.waitForURL(`${origin}/post`), page.click('#login-submit')]);
      expect(posted?.get('password')).toBe('correct horse');
    });
  });

  it('an empty form is not submitted, but Cancel works', async () => {
    await visit('login', {}, async (page) => {
      posted = null;
      await page.click('#login-submit');
      expect([posted, page.url()]).toEqual([null, `${origin}/login`]);
      await Promise.all([page.waitForURL(`${origin}/post`), page.click('#login-cancel')]);
      expect((posted as URLSearchParams | null)?.get('decision')).toBe('cancel');
    });
  });

  it.each([
    ['account', 'account-continue', 'continue'],
    ['account', 'account-switch', 'switch'],
    ['account', 'account-cancel', 'cancel'],
    ['consent', 'consent-allow', 'allow'],
    ['consent', 'consent-deny', 'deny'],
    ['consent', 'consent-switch', 'switch'],
    ['logout', 'logout-confirm', 'logout'],
    ['logout', 'logout-stay', 'stay'],
  ])('on the page %s the button %s submits the decision %s', async (name, button, decision) => {
    await visit(name, {}, async (page) => {
      await page.focus(`#${button}`);
      await Promise.all([page.waitForURL(`${origin}/post`), page.keyboard.press('Enter')]);
      expect([posted?.get('decision'), posted?.get('token')]).toEqual([decision, 't']);
    });
  });

  it('buttons keep their borders in forced colours', async () => {
    await visit('login', { forcedColors: 'active' }, async (page) => {
      const widths = await page.evaluate<string[]>(
        "[...document.querySelectorAll('.button')].map((button) => getComputedStyle(button).borderTopWidth)",
      );
      expect(widths).toEqual(['1px', '1px']);
    });
  });
});
