/**
 * `valetkey/pages`: the built-in pages, as plain HTML forms that work without a script.
 * `builtInPages()` implements the port `Pages` and lets a host replace texts, colours, templates or
 * whole pages.
 * Each page has a file with its template; the texts are in `messages-….ts`, one file per language,
 * and the style sheet is in `style.ts`. When a page is shown, and what an answer means, is decided
 * by the core.
 */
import { createHash } from 'node:crypto';
import {
  type AccountOverviewView,
  type AccountView,
  type Asset,
  ConfigError,
  type ConsentView,
  type DeviceConfirmationView,
  type DeviceResultView,
  type DeviceView,
  type ErrorView,
  type FormPostView,
  type Html,
  type LoginView,
  type LogoutView,
  nearest,
  type Pages,
  type PageTemplate,
  type PageView,
  type SignedOutView,
} from 'valetkey';
import { accentOf } from './accent.ts';
import { account } from './account.ts';
import { accountOverview } from './account-overview.ts';
import { consent } from './consent.ts';
import { device, deviceConfirmation, deviceResult } from './device.ts';
import { error } from './error.ts';
import { formPost } from './form-post.ts';
import { type HomeView, home } from './home.ts';
import { languagesOf, type Words } from './languages.ts';
import { htmlDocument, type Sheet } from './layout.ts';
import { login } from './login.ts';
import { logo } from './logo.ts';
import { logout, signedOut } from './logout.ts';
import type { Messages } from './messages.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

export type { HomeView } from './home.ts';
export { scopeText, type Words } from './languages.ts';
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
  scopeList,
} from './layout.ts';
export {
  displayName,
  type Inside,
  type Markup,
  markup,
  visibleText,
  webAddress,
} from './markup.ts';
export type { Messages } from './messages.ts';
export { GERMAN } from './messages-de.ts';
export { ENGLISH } from './messages-en.ts';
export { FRENCH } from './messages-fr.ts';

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
  /** Where people see and end their sessions, and what they allowed. */
  readonly accountOverview: Template<AccountOverviewView>;
  /** Carries a response to an application (`response_mode=form_post`). */
  readonly formPost: Template<FormPostView>;
  /** Tells people at the root of the standalone server what it is. */
  readonly home: Template<HomeView>;
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
  accountOverview,
  formPost,
  home,
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
   * Texts of your own, one object per language. English, German and French are built in; an object
   * here replaces the built-in language of its name, or adds one. The first is used if no wanted
   * language exists.
   * @default []
   */
  readonly messages?: readonly Messages[];
  /**
   * Single texts of your own, by language: `{ de: { scopes: { 'photos.read': 'Fotos sehen' } } }`.
   * A tag with a region makes a language of its own from the one it belongs to: `de-CH`.
   * @default {}
   */
  readonly words?: Readonly<Record<string, Words>>;
  /**
   * The languages on offer, by their tags: `['de', 'en']`. The first is used if no wanted language
   * exists.
   * @default all: those of `messages`, English, German and French, those that `words` makes
   */
  readonly languages?: readonly string[];
}

const ACCENT = '#0f766e';

/**
 * The pages of a provider, for `Config.pages`. The name that they show comes from the configuration
 * of the provider.
 * @throws ConfigError when the accent colour has not the form `#rgb` or `#rrggbb`, or when an
 * option does not exist, or names a language or a text that does not exist
 */
export function builtInPages(options: BuiltInPagesOptions = {}): Pages & DrawnPages {
  const {
    accentColor = ACCENT,
    css = '',
    logo: picture,
    templates: others = {},
    messages: catalogs = [],
    words = {},
    languages: offered = null,
    ...own
  } = options;
  checkNames(own, [...Object.keys(templates), ...Object.keys(others)]);
  const languages = languagesOf({ messages: catalogs, words, languages: offered });
  const accent = accentOf(accentColor);
  const assets: Readonly<Record<string, Asset>> = {
    'style.css': { contentType: 'text/css; charset=utf-8', body: STYLE + accent.rules + css },
    'page.js': { contentType: 'text/javascript; charset=utf-8', body: SCRIPT },
    logo: picture ?? { contentType: 'image/svg+xml; charset=utf-8', body: logo(accent) },
  };
  const version = versionOf(assets);
  const drawn =
    <View extends PageView>(template: Template<View>): ((view: View) => Html) =>
    (view) => {
      const messages = languages.for(view.locales);
      return htmlDocument(view, messages, template(view, messages), version);
    };
  const all: Readonly<Record<string, Template<never> | undefined>> = { ...templates, ...others };
  const pages = Object.entries(all).flatMap(([page, template]) =>
    template === undefined ? [] : [[page, drawn(template)]],
  );
  return { ...Object.fromEntries(pages), ...own, assets, languages: languages.tags } as Pages &
    DrawnPages;
}

const OPTIONS = ['accentColor', 'css', 'logo', 'templates', 'messages', 'words', 'languages'];

/** A misspelt option would change nothing without a word. */
function checkNames(own: object, pages: readonly string[]): void {
  const problems = Object.entries(own).flatMap(([name, given]) => {
    const option = `pages.${name}`;
    if (typeof given === 'function' || (typeof given === 'string' && pages.includes(name)))
      return [];
    const known = [...OPTIONS, ...pages];
    const near = nearest(name, known);
    const remedy = near === null ? `There are: ${known.join(', ')}.` : `Did you mean ${near}?`;
    return [{ option, problem: 'is no option and no page.', remedy }];
  });
  if (problems.length > 0) throw new ConfigError(problems);
}

/** A version for the URLs of the files. It changes when the content of a file changes. */
function versionOf(assets: Readonly<Record<string, Asset>>): string {
  const hash = createHash('sha256');
  for (const { body } of Object.values(assets)) hash.update(body);
  return hash.digest('hex').slice(0, 8);
}
