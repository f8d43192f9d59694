/**
 * The English texts. Those of the standard scopes are the descriptions that the core provides.
 */
import { markup } from './markup.ts';
import type { Messages } from './messages.ts';

/** The built-in English texts. A translation may start from a copy. */
export const ENGLISH: Messages = {
  lang: 'en',
  newTab: 'opens in a new tab',
  continueTo: (application) => markup`to continue to ${application}`,
  about: { website: 'Website', policy: 'Privacy policy', terms: 'Terms of service' },
  scopes: {
    openid: 'Confirm who you are',
    profile: 'See your name and profile details',
    email: 'See your email address',
    address: 'See your postal address',
    phone: 'See your phone number',
    offline_access: 'Stay connected while you are away',
  },
  login: {
    title: 'Sign in',
    again: 'Confirm it’s you',
    signedInAs: (account) =>
      markup`You are signed in as ${account}. Please sign in once more, so that we know it is you.`,
    username: 'Username',
    password: 'Password',
    show: 'Show',
    hide: 'Hide',
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
  unvouched: {
    describedBy: (host) =>
      markup`${host} says what this application is. Nobody here has checked it.`,
    itself: 'This application registered itself. Nobody here has checked its name.',
    onThisComputer:
      'It runs on your computer, where any program can say that it is this one. Go on only if you have just started to sign in from it.',
  },
  consent: {
    title: 'Allow access?',
    whose: (account) => markup`This application asks for access to the account of ${account}.`,
    asks: 'It will be able to',
    asksAlso: 'It will also be able to',
    known: 'You already allowed it to',
    details: 'You allow this',
    nothing: 'It asks for no data of yours.',
    writes: 'can change data',
    offline: 'Also while you are away',
    offlineMeans: 'It may go on using this access when you are not signed in.',
    choose: 'Take the tick away from what you do not want to allow.',
    withdraw: (provider) => `You can withdraw this at any time by contacting ${provider}.`,
    withdrawHere: 'You can withdraw this at any time on the page of your account.',
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
  accountOverview: {
    title: 'Your account',
    whose: (account) => markup`You are signed in as ${account}.`,
    sessions: 'Where you are signed in',
    thisBrowser: 'This browser',
    signedIn: (time) => markup`Signed in ${time}`,
    used: (time) => markup`Last used ${time}`,
    end: 'Sign out there',
    endThis: 'Sign out',
    endOthers: 'Sign out everywhere else',
    applications: 'Applications with access',
    none: 'You have let no application into your account.',
    since: (time) => markup`Allowed ${time}`,
    may: 'It can',
    start: (host) => `Sign in at ${host}`,
    withdraw: (application) => markup`Withdraw the access of ${application}`,
  },
  formPost: {
    title: 'Going on to the application',
    to: (host) =>
      markup`Your answer is on its way to ${host}. If nothing happens, press the button.`,
    submit: 'Continue',
  },
  error: {
    returnTo: (host) => `Return to ${host}`,
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
  home: {
    account: 'Your account',
    title: 'This is an identity provider',
    lead: 'Applications send people here to sign in. There is nothing to do on this page: open the application you want to use.',
    setup: (discovery) =>
      markup`Setting up an application? It finds everything it needs in the ${discovery}.`,
    discovery: 'discovery document',
  },
};

function duration(seconds: number): string {
  const [count, unit] =
    seconds < 90
      ? [Math.max(1, Math.ceil(seconds)), 'second']
      : [Math.ceil(seconds / 60), 'minute'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
