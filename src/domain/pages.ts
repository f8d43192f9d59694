/**
 * The port to what people see. The provider decides which page is due and checks every answer; a
 * page only draws a view. `valetkey/pages` draws them all; a host replaces any of them by a
 * function, or by the URL of a page of its own. Features add pages, each with a view of its own.
 * Views are public API: members are added, not changed.
 */

/** HTML text, complete from the doctype on. */
export type Html = string;

/** What a page may say about an application. All text is untrusted: escape it. */
export interface ClientView {
  /** The `client_id`. */
  readonly clientId: string;
  /** Name of the application. */
  readonly name: string;
  /**
   * Host the answer goes to, e.g. `rp.example`; for a private-use scheme the scheme itself. Where
   * no answer is sent: a host that the operator registered, or of its document; otherwise empty.
   */
  readonly host: string;
  /**
   * False when it registered itself without an initial access token, or describes itself: nobody
   * checked its name.
   */
  readonly vouchedFor: boolean;
  /** Host of the document that describes it; null when it is registered. */
  readonly describedBy: string | null;
  /** True when answers go to programs on the reader's computer: any may say it is this one. */
  readonly onThisComputer: boolean;
  /** Address of its logo at this origin; null when it has none. It may answer 404. */
  readonly logoUrl: string | null;
  /** Web site of the application; null when it has none. */
  readonly clientUri: string | null;
  /** Its privacy policy; null when it has none. */
  readonly policyUri: string | null;
  /** Its terms of service; null when it has none. */
  readonly tosUri: string | null;
}

/** A scope in plain words. */
export interface ScopeView {
  /** The scope value. */
  readonly name: string;
  /** Continues the sentence "It will be able to …". */
  readonly description: string;
  /** It lets the application change something, rather than only read. */
  readonly writes: boolean;
}

/** An address for which nobody vouches, and that a page links to. */
export interface AddressView {
  /** The address. */
  readonly url: string;
  /** Its host. */
  readonly host: string;
}

/** Where a form posts to, and the hidden fields it must carry unchanged. */
export interface FormView {
  /** Where it posts to. */
  readonly action: string;
  /** Hidden fields, by name. */
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * What every page knows. Pages are served under a strict Content Security Policy: scripts, style
 * sheets and pictures come from `Pages.assets` alone, and none is inline, so that nothing a client
 * registered can load anything.
 */
export interface PageView {
  /** Name of this provider as people know it. */
  readonly providerName: string;
  /** Logo of this provider; null when it has none. */
  readonly logoUrl: string | null;
  /** Wanted languages, best first (`ui_locales`, then Accept-Language). */
  readonly locales: readonly string[];
  /** The page where people see and withdraw what they allowed; null: there is none. */
  readonly accountUrl: string | null;
  /** URL prefix below which `Pages.assets` are served, ends with a slash. */
  readonly assetsUrl: string;
}

/** What every page of a step knows besides. */
export interface StepView extends PageView {
  /** The application that asks. */
  readonly client: ClientView;
  /** The form of the page. */
  readonly form: FormView;
}

/**
 * The login page: fields `username`, `password` and submit button named `decision` with value
 * `login`; cancel: value `cancel`.
 */
export interface LoginView extends StepView {
  /** What to put into the username field. */
  readonly username: string;
  /**
   * Why the page is shown again: wrong credentials, too many attempts, left open for too long; or
   * null.
   */
  readonly problem: 'credentials' | 'limited' | 'idle' | null;
  /** Seconds to wait after too many attempts. */
  readonly retryAfter: number | null;
  /** Somebody is signed in already and must prove it is still them (prompt=login, max_age). */
  readonly again: boolean;
  /**
   * Human name of the signed-in account, if it is the one that must prove it is still them; else
   * null.
   */
  readonly accountName: string | null;
  /** Authentication contexts the application would like (`acr_values`), best first. */
  readonly acrValues: readonly string[];
}

/**
 * Choose between the signed-in account and another: submit `decision` = `continue` | `switch` |
 * `cancel`.
 */
export interface AccountView extends StepView {
  /** Human name of the signed-in account. */
  readonly accountName: string;
}

/** The consent page: submit `decision` = `allow` | `deny`; `switch` to sign in as somebody else. */
export interface ConsentView extends StepView {
  /** Human name of the signed-in account. */
  readonly accountName: string;
  /** Scopes asked for now and not allowed before. */
  readonly newScopes: readonly ScopeView[];
  /** Scopes allowed before. */
  readonly knownScopes: readonly ScopeView[];
  /** The application may act while the user is away (`offline_access`). */
  readonly offline: boolean;
  /** That was allowed before. */
  readonly offlineKnown: boolean;
  /**
   * The user may refuse single new scopes, all but `openid`. A page that offers it sends a field
   * `choose`, and a field `scope:` with the name of the scope for each that the user allows or
   * allowed before.
   */
  readonly partial: boolean;
  /** What is asked for beside scopes (RFC 9396), in plain words of the host. */
  readonly details: readonly string[];
}

/** Every refusal that cannot be sent to the client. */
export interface ErrorView extends PageView {
  /** HTTP status of the answer. */
  readonly status: number;
  /** Wire code, e.g. `invalid_request`. */
  readonly code: string;
  /** Our stable slug, e.g. `redirect_uri_mismatch`. */
  readonly reason: string;
  /** One sentence, safe to show. */
  readonly description: string;
  /** Something the reader may find in the server's log. */
  readonly requestId: string;
  /**
   * Where the application expects the refusal, which the reader may follow; null when there is no
   * such address. Nobody vouches for it.
   */
  readonly returnTo: AddressView | null;
}

/** A file a page needs: style sheet, script, picture. */
export interface Asset {
  /** With its charset. */
  readonly contentType: string;
  /** The file. */
  readonly body: string | Uint8Array;
}

/** Files by name without a slash, e.g. `style.css`. */
export type Assets = Readonly<Record<string, Asset>>;

/** Draws a view. */
export type PageTemplate<View extends PageView = never> = (view: View) => Html;

/**
 * A template for every page, by name. The page of a step may also be the URL of a host's own page
 * (absolute or a path): the browser is sent there with `?interaction=…`.
 */
export interface Pages {
  /** Asks for username and password. */
  readonly login: PageTemplate<LoginView> | string;
  /** Asks which account to go on with. */
  readonly account: PageTemplate<AccountView> | string;
  /** Asks for consent. */
  readonly consent: PageTemplate<ConsentView> | string;
  /** Tells a refusal that cannot be sent to the client. */
  readonly error: PageTemplate<ErrorView>;
  /** Files below `PageView.assetsUrl`. */
  readonly assets?: Assets;
  /** BCP 47 tags of their languages, for discovery. Left out: nothing is said about them. */
  readonly languages?: readonly string[];
  /** Pages that features add. */
  readonly [page: string]: PageTemplate | string | Assets | readonly string[] | undefined;
}
