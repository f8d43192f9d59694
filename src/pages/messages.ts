/**
 * All texts of the built-in pages, one object per language. A host adds a language, or replaces the
 * English texts, with another object of the same shape (`builtInPages({ messages })`). The
 * descriptions of scopes and refusals are not here: the core provides them.
 */
import { type Inside, type Markup, markup } from './markup.ts';

/**
 * The texts in one language. Names of applications and people are passed as markup, so that a
 * translation may put them anywhere in the sentence.
 */
export interface Messages {
  /** BCP 47 tag of the language, for `<html lang>`. Pages are chosen by its first subtag only. */
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
  /** The login page. */
  readonly login: {
    /** Title of the page. */
    readonly title: string;
    /** Title if a signed-in person must prove again who they are. */
    readonly again: string;
    /** Label of the username field. */
    readonly username: string;
    /** Label of the password field. */
    readonly password: string;
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
    /** Instead of scopes, if the application asks for none. */
    readonly nothing: string;
    /** Heading of `offline_access`. */
    readonly offline: string;
    /** Explains `offline_access`. */
    readonly offlineMeans: string;
    /** Says how the permission can be withdrawn later. */
    readonly withdraw: (provider: string) => string;
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
  /** The error page. */
  readonly error: {
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
}

/** The built-in English texts. A translation may start from a copy. */
export const ENGLISH: Messages = {
  lang: 'en',
  newTab: 'opens in a new tab',
  continueTo: (application: Inside) => markup`to continue to ${application}`,
  about: { website: 'Website', policy: 'Privacy policy', terms: 'Terms of service' },
  login: {
    title: 'Sign in',
    again: 'Confirm it’s you',
    username: 'Username',
    password: 'Password',
    submit: 'Sign in',
    cancel: 'Cancel',
    problem: (title) => `Problem: ${title}`,
    credentials: 'That username and password do not match. Check both and try again.',
    limited: (seconds) =>
      `Too many attempts. Try again ${seconds === null ? 'later' : `in ${duration(seconds)}`}.`,
    idle: 'This page was open for a while. Please sign in now.',
  },
  account: {
    title: 'Choose an account',
    go: (account) => markup`Continue as ${account}`,
    another: 'Use another account',
    cancel: 'Cancel',
  },
  consent: {
    title: 'Allow access?',
    whose: (account) => markup`This application asks for access to the account of ${account}.`,
    asks: 'It will be able to',
    asksAlso: 'It will also be able to',
    known: 'You already allowed it to',
    nothing: 'It asks for no data of yours.',
    offline: 'Also while you are away',
    offlineMeans: 'It may go on using this access when you are not signed in.',
    withdraw: (provider) => `You can withdraw this at any time by contacting ${provider}.`,
    allow: 'Allow',
    deny: 'Deny',
    notYou: 'Not you?',
    another: 'Use another account',
  },
  logout: {
    title: 'Sign out?',
    asked: (application) => markup`asked by ${application}`,
    who: (account, provider) =>
      markup`You are signed in to ${provider} as ${account}. Applications you opened may keep their own sign-in.`,
    confirm: 'Sign out',
    stay: 'Stay signed in',
  },
  signedOut: {
    out: 'You are signed out',
    outMeans: (provider) =>
      `You are no longer signed in to ${provider} in this browser. You can close this page.`,
    stayed: 'You are still signed in',
    stayedMeans: (provider) =>
      `Nothing has changed: you stay signed in to ${provider} in this browser. You can close this page.`,
    back: (application) => markup`Go to ${application}`,
    home: (provider) => `Go to ${provider}`,
  },
  device: {
    title: 'Connect a device',
    lead: 'Type the code that your device shows.',
    code: 'Code',
    submit: 'Continue',
    unknown: 'That code is not valid. Check it on your device; codes are good for a few minutes.',
    limited: (seconds) =>
      `Too many wrong codes. Try again ${seconds === null ? 'later' : `in ${duration(seconds)}`}.`,
  },
  deviceConfirmation: {
    title: 'Is this your device?',
    whose: (application, account) =>
      markup`A device with ${application} asks for access to the account of ${account}.`,
    compare: 'Code on the device',
    place: 'It asks from',
    sameNetwork: 'the same network as you',
    otherNetwork: 'another network than yours',
    warning:
      'Only go on if you started this yourself and the device in front of you shows this code. If somebody sent you the code or a link, choose Deny.',
    asks: 'The device will be able to',
    allow: 'Allow',
    deny: 'Deny',
  },
  deviceResult: {
    allowed: 'Your device is connected',
    allowedMeans: (application) =>
      markup`${application} on your device goes on by itself. You can close this page.`,
    denied: 'Nothing was connected',
    deniedMeans: (application) =>
      markup`${application} on that device gets no access. You can close this page.`,
  },
  error: {
    title: (status) => {
      if (status === 403) return 'This is not allowed';
      if (status === 404) return 'Page not found';
      if (status === 429) return 'Too many attempts';
      return status >= 500 ? 'Something went wrong' : 'We can’t continue';
    },
    advice: (status) => {
      if (status === 429) return 'Wait a while, then try again.';
      if (status >= 500) return 'The fault is on our side. Please try again in a few minutes.';
      return 'Go back to the application and start again. If that does not help, send these details to the people who run it.';
    },
    details: 'Details',
    code: 'Error',
    reason: 'Reason',
    request: 'Request',
  },
};

function duration(seconds: number): string {
  const [count, unit] =
    seconds < 90
      ? [Math.max(1, Math.ceil(seconds)), 'second']
      : [Math.ceil(seconds / 60), 'minute'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/**
 * The texts in the first wanted language that exists. If none exists, the first catalog is used.
 * Languages are compared by their first subtag.
 * @param locales wanted languages, as BCP 47 tags, best first
 * @param catalogs the catalogs of the host, which come before the built-in English one
 */
export function messagesFor(
  locales: readonly string[],
  catalogs: readonly Messages[] = [],
): Messages {
  const all = [...catalogs, ENGLISH];
  for (const wanted of locales) {
    const language = wanted.split('-')[0]?.toLowerCase();
    const found = all.find(({ lang }) => lang.split('-')[0]?.toLowerCase() === language);
    if (found !== undefined) return found;
  }
  return all[0] ?? ENGLISH;
}
