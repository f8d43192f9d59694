/**
 * What the built-in pages say, as a type: one object per language, complete, so that a missing word
 * does not compile. The texts are in `messages-en.ts`, `messages-de.ts` and `messages-fr.ts`; which
 * language a page has is decided in `languages.ts`.
 */
import type { Markup } from './markup.ts';

/**
 * The texts in one language. Names of applications and people are passed as markup, so that a
 * translation may put them anywhere in the sentence.
 */
export interface Messages {
  /** BCP 47 tag of the language, for `<html lang>` and for choosing it. */
  readonly lang: string;
  /** After the text of a link that opens in a new tab. Only screen readers see it. */
  readonly newTab: string;
  /** Names the application on the login and account page. */
  readonly continueTo: (application: Markup) => Markup;
  /** Links to pages of the application. */
  readonly about: {
    /** Text of the link to its website. */
    readonly website: string;
    /** Text of the link to its privacy policy. */
    readonly policy: string;
    /** Text of the link to its terms of service. */
    readonly terms: string;
  };
  /**
   * What scopes mean, by name. They replace the descriptions of the configuration, which are in one
   * language; the built-in ones replace only the standard descriptions.
   */
  readonly scopes: {
    /** The scope `openid`. */
    readonly openid: string;
    /** The scope `profile`. */
    readonly profile: string;
    /** The scope `email`. */
    readonly email: string;
    /** The scope `address`. */
    readonly address: string;
    /** The scope `phone`. */
    readonly phone: string;
    /** The scope `offline_access`. */
    readonly offline_access: string;
    /** Scopes of the configuration. */
    readonly [scope: string]: string;
  };
  /** The login page. */
  readonly login: {
    /** Title of the page. */
    readonly title: string;
    /** Title if a signed-in person must prove again who they are. */
    readonly again: string;
    /** Names the signed-in person who must prove again who they are. */
    readonly signedInAs: (account: Markup) => Markup;
    /** Label of the username field. */
    readonly username: string;
    /** Label of the password field. */
    readonly password: string;
    /** Button that shows the password. */
    readonly show: string;
    /** Button that hides the password again. */
    readonly hide: string;
    /** Button that signs in. */
    readonly submit: string;
    /** Button that returns to the application with a refusal. */
    readonly cancel: string;
    /** Title of the browser tab if the page is shown again because of a problem. */
    readonly problem: (title: string) => string;
    /** Problem: wrong username or password. */
    readonly credentials: string;
    /** Problem: too many attempts. The argument is the seconds to wait, or null if not known. */
    readonly limited: (seconds: number | null) => string;
    /** Problem: the page was open for too long. */
    readonly idle: string;
  };
  /** The account page. */
  readonly account: {
    /** Title of the page. */
    readonly title: string;
    /** Button that continues with the signed-in account. */
    readonly go: (account: Markup) => Markup;
    /** Button that signs in with another account. */
    readonly another: string;
    /** Button that returns to the application with a refusal. */
    readonly cancel: string;
  };
  /** Notes on applications for which nobody vouches. */
  readonly unvouched: {
    /** The application says who it is at an address. The argument is its host. */
    readonly describedBy: (host: Markup) => Markup;
    /** The application registered itself. */
    readonly itself: string;
    /** Added where answers go to programs on the reader's computer alone. */
    readonly onThisComputer: string;
  };
  /** The consent page. Some of its texts are also on the page that confirms a device. */
  readonly consent: {
    /** Title of the page. */
    readonly title: string;
    /** Says for which account the application asks. */
    readonly whose: (account: Markup) => Markup;
    /** Heading of the scopes if none was allowed before. */
    readonly asks: string;
    /** Heading of the new scopes if others were allowed before. */
    readonly asksAlso: string;
    /** Heading of the scopes that were allowed before. */
    readonly known: string;
    /** Heading of what is asked for beside scopes, such as one payment. */
    readonly details: string;
    /** Instead of scopes, if the application asks for none. */
    readonly nothing: string;
    /** After a scope that lets the application change something. */
    readonly writes: string;
    /** Heading of `offline_access`. */
    readonly offline: string;
    /** Explains `offline_access`. */
    readonly offlineMeans: string;
    /** Says that single scopes can be left out, where the application copes with it. */
    readonly choose: string;
    /** Says how the permission can be withdrawn later, where no page is for it. */
    readonly withdraw: (provider: string) => string;
    /** Link to the page where the permission can be withdrawn later. */
    readonly withdrawHere: string;
    /** Button that allows. */
    readonly allow: string;
    /** Button that denies. */
    readonly deny: string;
    /** Question before the button that changes the account. */
    readonly notYou: string;
    /** Button that signs in with another account. */
    readonly another: string;
  };
  /** The page that asks whether to sign out. */
  readonly logout: {
    /** Title of the page. */
    readonly title: string;
    /** Names the application that asked to sign out. */
    readonly asked: (application: Markup) => Markup;
    /** Says who is signed in, and where. */
    readonly who: (account: Markup, provider: string) => Markup;
    /** Button that signs out. */
    readonly confirm: string;
    /** Button that keeps the session. */
    readonly stay: string;
  };
  /** The page with the result of signing out. */
  readonly signedOut: {
    /** Title if the person is signed out. */
    readonly out: string;
    /** Explains that the person is signed out. */
    readonly outMeans: (provider: string) => string;
    /** Title if the person stays signed in. */
    readonly stayed: string;
    /** Explains that the person stays signed in. */
    readonly stayedMeans: (provider: string) => string;
    /** Link to the website of the application. */
    readonly back: (application: Markup) => Markup;
    /** Link to the home of the provider, where no application is known. */
    readonly home: (provider: string) => string;
  };
  /** The page where people type the user code of a device. */
  readonly device: {
    /** Title of the page. */
    readonly title: string;
    /** Says what to type. */
    readonly lead: string;
    /** Label of the code field. */
    readonly code: string;
    /** Button that submits the code. */
    readonly submit: string;
    /** Problem: no such code. */
    readonly unknown: string;
    /** Problem: too many wrong codes. The argument is the seconds to wait, or null if not known. */
    readonly limited: (seconds: number | null) => string;
  };
  /** The page where people confirm a device. */
  readonly deviceConfirmation: {
    /** Title of the page. */
    readonly title: string;
    /** Says which application asks, and for which account. */
    readonly whose: (application: Markup, account: Markup) => Markup;
    /** Label of the code that people compare with the one on the device. */
    readonly compare: string;
    /** Label of the place that the device asks from. */
    readonly place: string;
    /** After the place, if the device is in the same network as the browser. */
    readonly sameNetwork: string;
    /** After the place, if the device is in another network than the browser. */
    readonly otherNetwork: string;
    /** Warns about codes and links that somebody else sent. */
    readonly warning: string;
    /** Heading of the scopes. */
    readonly asks: string;
    /** Button that allows. */
    readonly allow: string;
    /** Button that denies. */
    readonly deny: string;
  };
  /** The page with the result of the device flow. */
  readonly deviceResult: {
    /** Title if the device was allowed. */
    readonly allowed: string;
    /** Explains that the device was allowed. */
    readonly allowedMeans: (application: Markup) => Markup;
    /** Title if the device was denied. */
    readonly denied: string;
    /** Explains that the device was denied. */
    readonly deniedMeans: (application: Markup) => Markup;
  };
  /** The page with the sessions and applications of a person. */
  readonly accountOverview: {
    /** Title of the page. */
    readonly title: string;
    /** Says whose account it is. */
    readonly whose: (account: Markup) => Markup;
    /** Heading of the sessions. */
    readonly sessions: string;
    /** Marks the browser that reads the page. */
    readonly thisBrowser: string;
    /** When somebody signed in. */
    readonly signedIn: (time: Markup) => Markup;
    /** When the session was last used. */
    readonly used: (time: Markup) => Markup;
    /** Button that ends another session. */
    readonly end: string;
    /** Button that ends the session of this browser. */
    readonly endThis: string;
    /** Button that ends all other sessions. */
    readonly endOthers: string;
    /** Heading of the applications. */
    readonly applications: string;
    /** Instead of applications, if there are none. */
    readonly none: string;
    /** When an application was allowed. */
    readonly since: (time: Markup) => Markup;
    /** Heading of what an application may do. */
    readonly may: string;
    /** Link that begins a sign-in to an application. The argument is the host it leads to. */
    readonly start: (host: string) => string;
    /** Button that withdraws what an application may do. */
    readonly withdraw: (application: Markup) => Markup;
  };
  /** The page that carries a response to an application. */
  readonly formPost: {
    /** Title of the page. */
    readonly title: string;
    /** Says where the answer goes, and what to do when nothing happens. */
    readonly to: (host: Markup) => Markup;
    /** Button that sends it. */
    readonly submit: string;
  };
  /** The error page. */
  readonly error: {
    /** Link to the application that sent the reader here. The argument is its host. */
    readonly returnTo: (host: string) => string;
    /** Title, by HTTP status. */
    readonly title: (status: number) => string;
    /** Says what to do, by HTTP status. */
    readonly advice: (status: number) => string;
    /** Heading of the details. Only screen readers see it. */
    readonly details: string;
    /** Label of the error code, such as `invalid_request`. */
    readonly code: string;
    /** Label of the reason, such as `redirect_uri_mismatch`. */
    readonly reason: string;
    /** Label of the request id. */
    readonly request: string;
  };
  /** The page at the root of the standalone server. */
  readonly home: {
    /** Link to the page of the reader's account. */
    readonly account: string;
    /** Title of the page. */
    readonly title: string;
    /** Says why there is nothing to do here. */
    readonly lead: string;
    /** Tells those who set up an application where it finds what it needs. */
    readonly setup: (discovery: Markup) => Markup;
    /** Text of the link to the discovery document. */
    readonly discovery: string;
  };
}
