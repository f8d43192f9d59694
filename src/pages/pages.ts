/**
 * `valetkey/pages`: everything people see, as plain HTML forms that need no script. `builtInPages()` draws all views of the core; one file per
 * page holds its template, messages.ts the words, style.ts the looks.
 */
import { createHash } from 'node:crypto';
import type { Asset, Html, Pages, PageView } from 'valetkey';
import { accentOf } from './accent.ts';
import { account } from './account.ts';
import { consent } from './consent.ts';
import { error } from './error.ts';
import { htmlDocument, type Sheet } from './layout.ts';
import { login } from './login.ts';
import { logo } from './logo.ts';
import { logout, signedOut } from './logout.ts';
import { type Messages, messagesFor } from './messages.ts';
import { STYLE } from './style.ts';

/** What a host may change; a page given here, as a function or as the URL of a page of the host, takes the place of the built-in one. */
export interface BuiltInPagesOptions extends Partial<Omit<Pages, 'assets'>> {
  /** Colour of buttons and links, as `#rrggbb`; shades that can be read on light and dark are made of it. Default: a dark teal. */
  readonly accentColor?: string;
  /** Rules of your own; they come last in style.css and win over the built-in ones. */
  readonly css?: string;
}

const ACCENT = '#0f766e';

/**
 * The pages of the provider. Its name and logo come from the provider's configuration.
 * @throws ConfigError when the accent colour is not of the form `#rrggbb`
 */
export function builtInPages(options: BuiltInPagesOptions = {}): Pages {
  const { accentColor = ACCENT, css = '', ...own } = options;
  const accent = accentOf(accentColor);
  const assets: Readonly<Record<string, Asset>> = {
    'style.css': { contentType: 'text/css; charset=utf-8', body: STYLE + accent.rules + css },
    'logo.svg': { contentType: 'image/svg+xml; charset=utf-8', body: logo(accent) },
  };
  const version = versionOf(assets);
  const drawn =
    <View extends PageView>(template: (view: View, messages: Messages) => Sheet): ((view: View) => Html) =>
    (view) => {
      const messages = messagesFor(view.locales);
      return htmlDocument(view, messages, template(view, messages), version);
    };
  return {
    login: drawn(login),
    account: drawn(account),
    consent: drawn(consent),
    logout: drawn(logout),
    signedOut: drawn(signedOut),
    error: drawn(error),
    ...own,
    assets,
  };
}

/** Changes whenever one of the files does. */
function versionOf(assets: Readonly<Record<string, Asset>>): string {
  const hash = createHash('sha256');
  for (const { body } of Object.values(assets)) hash.update(body);
  return hash.digest('hex').slice(0, 8);
}
