/**
 * `valetkey/pages`: the built-in pages, as plain HTML forms that need no script. `builtInPages()`
 * implements the port `Pages` and lets a host replace texts, colours, templates or whole pages.
 * Each page has a file with its template; the texts are in `messages.ts`, the style sheet is in
 * `style.ts`. When a page is shown, and what an answer means, is decided by the core.
 */
import { createHash } from 'node:crypto';
import type {
  AccountView,
  Asset,
  ConsentView,
  DeviceConfirmationView,
  DeviceResultView,
  DeviceView,
  ErrorView,
  Html,
  LoginView,
  LogoutView,
  Pages,
  PageTemplate,
  PageView,
  SignedOutView,
} from 'valetkey';
import { accentOf } from './accent.ts';
import { account } from './account.ts';
import { consent } from './consent.ts';
import { device, deviceConfirmation, deviceResult } from './device.ts';
import { error } from './error.ts';
import { htmlDocument, type Sheet } from './layout.ts';
import { login } from './login.ts';
import { logo } from './logo.ts';
import { logout, signedOut } from './logout.ts';
import { type Messages, messagesFor } from './messages.ts';
import { STYLE } from './style.ts';

export {
  clientLinks,
  clientName,
  clientReturn,
  clientRow,
  form,
  name,
  otherButton,
  primaryButton,
  type Sheet,
} from './layout.ts';
export {
  displayName,
  type Inside,
  type Markup,
  markup,
  visibleText,
  webAddress,
} from './markup.ts';
export { ENGLISH, type Messages } from './messages.ts';

/**
 * Draws the content of a page. The document around it, its head and its style sheet are the same
 * for all pages.
 */
export type Template<View extends PageView> = (view: View, messages: Messages) => Sheet;

/** A template for each built-in page. */
export interface Templates {
  /** Asks for username and password. */
  readonly login: Template<LoginView>;
  /** Asks whether to continue with the signed-in account. */
  readonly account: Template<AccountView>;
  /** Asks whether the application may have what it asks for. */
  readonly consent: Template<ConsentView>;
  /** Asks whether to sign out. */
  readonly logout: Template<LogoutView>;
  /** Tells whether the person is signed out. */
  readonly signedOut: Template<SignedOutView>;
  /** Shows a refusal that is not sent to the redirect URI of the client. */
  readonly error: Template<ErrorView>;
  /** Asks for the user code of a device. */
  readonly device: Template<DeviceView>;
  /** Asks whether the device may have what it asks for. */
  readonly deviceConfirmation: Template<DeviceConfirmationView>;
  /** Tells whether the device was connected. */
  readonly deviceResult: Template<DeviceResultView>;
}

/** The built-in templates. Templates of your own may call them. */
export const templates: Templates = {
  login,
  account,
  consent,
  logout,
  signedOut,
  error,
  device,
  deviceConfirmation,
  deviceResult,
};

/** The pages of steps. A host may replace them with a page at a URL of its own. */
export type StepPage = 'login' | 'account' | 'consent' | 'deviceConfirmation';

/** For each page the function that draws it or, for pages of steps, the URL of a host's page. */
export type DrawnPages = {
  readonly [Name in keyof Templates]:
    | PageTemplate<Parameters<Templates[Name]>[0]>
    | (Name extends StepPage ? string : never);
};

/**
 * The parts that a host may change. A page given here by its name, as a function or as the URL of a
 * page of the host, replaces the whole built-in page.
 */
export interface BuiltInPagesOptions extends Partial<DrawnPages> {
  /**
   * Colour of buttons and links, as `#rgb` or `#rrggbb`. Shades that are readable on light and dark
   * backgrounds are derived from it.
   * @default '#0f766e' (a dark teal)
   */
  readonly accentColor?: string;
  /**
   * CSS rules of your own. They come last in `style.css` and override the built-in ones.
   * @default ''
   */
  readonly css?: string;
  /**
   * The picture beside the provider's name and in the browser tab.
   * @default a key in the accent colour
   */
  readonly logo?: Asset;
  /**
   * Templates of your own, by the name of the page, which replace built-in ones or draw pages of
   * your own features. They get the same document around them.
   * @default the built-in templates
   */
  readonly templates?: Partial<Templates> & {
    readonly [page: string]: Template<never> | undefined;
  };
  /**
   * Texts of your own, one object per language. They come before the built-in English texts, and
   * the first is used if no wanted language exists.
   * @default []
   */
  readonly messages?: readonly Messages[];
}

const ACCENT = '#0f766e';

/**
 * The pages of a provider, for `Config.pages`. The name that they show comes from the configuration
 * of the provider.
 * @throws ConfigError when the accent colour has not the form `#rgb` or `#rrggbb`
 */
export function builtInPages(options: BuiltInPagesOptions = {}): Pages & DrawnPages {
  const {
    accentColor = ACCENT,
    css = '',
    logo: picture,
    templates: others = {},
    messages: catalogs = [],
    ...own
  } = options;
  const accent = accentOf(accentColor);
  const assets: Readonly<Record<string, Asset>> = {
    'style.css': { contentType: 'text/css; charset=utf-8', body: STYLE + accent.rules + css },
    logo: picture ?? { contentType: 'image/svg+xml; charset=utf-8', body: logo(accent) },
  };
  const version = versionOf(assets);
  const drawn =
    <View extends PageView>(template: Template<View>): ((view: View) => Html) =>
    (view) => {
      const messages = messagesFor(view.locales, catalogs);
      return htmlDocument(view, messages, template(view, messages), version);
    };
  const all: Readonly<Record<string, Template<never> | undefined>> = { ...templates, ...others };
  const pages = Object.entries(all).flatMap(([page, template]) =>
    template === undefined ? [] : [[page, drawn(template)]],
  );
  return { ...Object.fromEntries(pages), ...own, assets } as Pages & DrawnPages;
}

/** A version for the URLs of the files. It changes when the content of a file changes. */
function versionOf(assets: Readonly<Record<string, Asset>>): string {
  const hash = createHash('sha256');
  for (const { body } of Object.values(assets)) hash.update(body);
  return hash.digest('hex').slice(0, 8);
}
