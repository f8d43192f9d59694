/**
 * Every text of the pages, by language. Another language, or other words, is one more object of
 * this shape (`builtInPages({ messages })`). Names come as markup, so that a translation may put
 * them anywhere.
 */
import { type Inside, type Markup, markup } from './markup.ts';

export interface Messages {
  /** BCP 47 tag; it goes to `<html lang>`. */
  readonly lang: string;
  readonly newTab: string;
  readonly continueTo: (application: Markup) => Markup;
  readonly about: { readonly website: string; readonly policy: string; readonly terms: string };
  readonly login: {
    readonly title: string;
    readonly again: string;
    readonly username: string;
    readonly password: string;
    readonly submit: string;
    readonly cancel: string;
    /** Before the title of a page that is shown again because of a problem. */
    readonly problem: (title: string) => string;
    readonly credentials: string;
    readonly limited: (seconds: number | null) => string;
    readonly idle: string;
  };
  readonly account: {
    readonly title: string;
    readonly go: (account: Markup) => Markup;
    readonly another: string;
    readonly cancel: string;
  };
  readonly consent: {
    readonly title: string;
    readonly whose: (account: Markup) => Markup;
    readonly asks: string;
    readonly asksAlso: string;
    readonly known: string;
    readonly nothing: string;
    readonly offline: string;
    readonly offlineMeans: string;
    readonly withdraw: (provider: string) => string;
    readonly allow: string;
    readonly deny: string;
    readonly notYou: string;
    readonly another: string;
  };
  readonly logout: {
    readonly title: string;
    readonly asked: (application: Markup) => Markup;
    readonly who: (account: Markup, provider: string) => Markup;
    readonly confirm: string;
    readonly stay: string;
  };
  readonly signedOut: {
    readonly out: string;
    readonly outMeans: (provider: string) => string;
    readonly stayed: string;
    readonly stayedMeans: (provider: string) => string;
    readonly back: (application: Markup) => Markup;
  };
  readonly device: {
    readonly title: string;
    readonly lead: string;
    readonly code: string;
    readonly submit: string;
    readonly unknown: string;
    readonly limited: (seconds: number | null) => string;
  };
  readonly deviceConfirmation: {
    readonly title: string;
    /** Who asks, and for whose account. */
    readonly whose: (application: Markup, account: Markup) => Markup;
    readonly compare: string;
    readonly place: string;
    readonly sameNetwork: string;
    readonly otherNetwork: string;
    readonly warning: string;
    readonly asks: string;
    readonly allow: string;
    readonly deny: string;
  };
  readonly deviceResult: {
    readonly allowed: string;
    readonly allowedMeans: (application: Markup) => Markup;
    readonly denied: string;
    readonly deniedMeans: (application: Markup) => Markup;
  };
  readonly error: {
    readonly title: (status: number) => string;
    readonly advice: (status: number) => string;
    readonly details: string;
    readonly code: string;
    readonly reason: string;
    readonly request: string;
  };
}

/** The built-in words; a start for others. */
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
 * The texts in the first wanted language there is, else in the first of all.
 * @param catalogs those of the host come before the built-in one
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
