/**
 * `valetkey/pages`: everything people see, as plain HTML forms that need no script.
 * `builtInPages()` draws all views of the core; one file per page holds its template, messages.ts
 * the words, style.ts the looks. A host changes as much or as little as it likes.
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
 * Draws what stands inside a page; the document around it, its head and its looks are the same
 * everywhere.
 */
export type Template<View extends PageView> = (view: View, messages: Messages) => Sheet;

/** A template for each page that is built in. */
export interface Templates {
  readonly login: Template<LoginView>;
  readonly account: Template<AccountView>;
  readonly consent: Template<ConsentView>;
  readonly logout: Template<LogoutView>;
  readonly signedOut: Template<SignedOutView>;
  readonly error: Template<ErrorView>;
  readonly device: Template<DeviceView>;
  readonly deviceConfirmation: Template<DeviceConfirmationView>;
  readonly deviceResult: Template<DeviceResultView>;
}

/** The built-in templates: a start for others, which may call them. */
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

/** The pages of steps: a page of the host may take their place. */
type StepPage = 'login' | 'account' | 'consent' | 'deviceConfirmation';

/** A function for each page, or the URL of a page of the host. */
export type DrawnPages = {
  readonly [Name in keyof Templates]:
    | PageTemplate<Parameters<Templates[Name]>[0]>
    | (Name extends StepPage ? string : never);
};

/**
 * What a host may change. A page given here, as a function or as the URL of a page of the host,
 * takes the place of the built-in one.
 */
export interface BuiltInPagesOptions extends Partial<DrawnPages> {
  /**
   * Colour of buttons and links, as `#rrggbb`; shades that can be read on light and dark are made
   * of it. Default: a dark teal.
   */
  readonly accentColor?: string;
  /** Rules of your own; they come last in style.css and win over the built-in ones. */
  readonly css?: string;
  /**
   * The picture beside the provider's name and in the browser's tab. Default: a key in the accent
   * colour.
   */
  readonly logo?: Asset;
  /**
   * Templates of your own, made of the same parts, by the name of the page; also of your own
   * features.
   */
  readonly templates?: Partial<Templates> & {
    readonly [page: string]: Template<never> | undefined;
  };
  /** Words of your own, or more languages; the first is used when none is wanted that is there. */
  readonly messages?: readonly Messages[];
}

const ACCENT = '#0f766e';

/**
 * The pages of the provider. Its name comes from the provider's configuration.
 * @throws ConfigError when the accent colour is not of the form `#rrggbb`
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

/** Changes whenever one of the files does. */
function versionOf(assets: Readonly<Record<string, Asset>>): string {
  const hash = createHash('sha256');
  for (const { body } of Object.values(assets)) hash.update(body);
  return hash.digest('hex').slice(0, 8);
}
