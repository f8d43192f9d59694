/**
 * The port to what people see. The provider decides which page is due and checks every answer; a page only draws a view.
 * `valetkey/pages` draws them all; a host replaces any of them by a function or by the URL of a page of its own.
 * Views are public API: fields are added, not changed.
 */

/** HTML text, complete from the doctype on. */
export type Html = string;

/** What a page may say about an application. All text is untrusted: escape it. */
export interface ClientView {
  readonly clientId: string;
  readonly name: string;
  /** Host the answer goes to, e.g. `rp.example`; for a private-use scheme the scheme itself. */
  readonly host: string;
  readonly clientUri: string | null;
  readonly policyUri: string | null;
  readonly tosUri: string | null;
}

/** A scope in plain words. */
export interface ScopeView {
  readonly name: string;
  readonly description: string;
}

/** Where a form posts to, and the hidden fields it must carry unchanged. */
export interface FormView {
  /** Where it posts to. */
  readonly action: string;
  /** Hidden fields, by name. */
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * What every page knows. Pages are served under a strict Content Security Policy: no script, no inline style, style sheets and pictures
 * of this origin only (`Pages.assets`), so that nothing a client registered can load anything.
 */
export interface PageView {
  /** Name of this provider as people know it. */
  readonly providerName: string;
  readonly logoUrl: string | null;
  /** Wanted languages, best first (`ui_locales`, then Accept-Language). */
  readonly locales: readonly string[];
  /** URL prefix below which `Pages.assets` are served, ends with a slash. */
  readonly assetsUrl: string;
}

/** The login page: fields `username`, `password` and submit button named `decision` with value `login`; cancel: value `cancel`. */
export interface LoginView extends PageView {
  readonly client: ClientView;
  readonly form: FormView;
  /** What to put into the username field. */
  readonly username: string;
  /** Why the page is shown again: wrong credentials, too many attempts (with seconds to wait), the page was idle too long, or null. */
  readonly problem: 'credentials' | 'limited' | 'idle' | null;
  readonly retryAfter: number | null;
  /** Somebody is signed in already and must prove it is still them (prompt=login, max_age). */
  readonly again: boolean;
  /** Authentication contexts the application would like (`acr_values`), best first. */
  readonly acrValues: readonly string[];
}

/** Choose between the signed-in account and another: submit `decision` = `continue` | `switch` | `cancel`. */
export interface AccountView extends PageView {
  readonly client: ClientView;
  readonly form: FormView;
  /** Human name of the signed-in account. */
  readonly accountName: string;
}

/** The consent page: submit `decision` = `allow` | `deny`; `switch` to sign in as somebody else. */
export interface ConsentView extends PageView {
  readonly client: ClientView;
  readonly form: FormView;
  readonly accountName: string;
  /** Scopes asked for now and not allowed before. */
  readonly newScopes: readonly ScopeView[];
  /** Scopes allowed before. */
  readonly knownScopes: readonly ScopeView[];
  /** The application may act while the user is away (`offline_access`). */
  readonly offline: boolean;
}

/** Logout confirmation: submit `decision` = `logout` | `stay`. */
export interface LogoutView extends PageView {
  /** The application that asks, if it is known. */
  readonly client: ClientView | null;
  readonly form: FormView;
  readonly accountName: string;
}

/** Shown after logout when there is nowhere to return to, or when the user stayed signed in. */
export interface SignedOutView extends PageView {
  readonly client: ClientView | null;
  /** False: the user chose to stay. */
  readonly signedOut: boolean;
}

/** Every refusal that cannot be sent to the client. */
export interface ErrorView extends PageView {
  readonly status: number;
  /** Wire code, e.g. `invalid_request`. */
  readonly code: string;
  /** Our stable slug, e.g. `redirect_uri_mismatch`. */
  readonly reason: string;
  /** One sentence, safe to show. */
  readonly description: string;
  /** Something the reader may find in the server's log. */
  readonly requestId: string;
}

/** A file a page needs: style sheet, script, picture. */
export interface Asset {
  /** With its charset. */
  readonly contentType: string;
  /** The file. */
  readonly body: string | Uint8Array;
}

/** Draws a view, or the URL of a host's own page (absolute or a path): the browser is sent there with `?interaction=…`. */
export interface Pages {
  readonly login: ((view: LoginView) => Html) | string;
  readonly account: (view: AccountView) => Html;
  readonly consent: ((view: ConsentView) => Html) | string;
  readonly logout: (view: LogoutView) => Html;
  readonly signedOut: (view: SignedOutView) => Html;
  readonly error: (view: ErrorView) => Html;
  /** Files below `assetsUrl`, by name without a slash, e.g. `style.css`. */
  readonly assets?: Readonly<Record<string, Asset>>;
}
