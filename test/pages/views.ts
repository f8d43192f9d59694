/** Every state of every built-in page, as HTML, for the tests of the pages. */
import type {
  Assets,
  ClientView,
  ConsentView,
  DeviceConfirmationView,
  DeviceView,
  ErrorView,
  Html,
  LoginView,
  PageView,
  ScopeView,
} from 'valetkey';
import { builtInPages, type DrawnPages } from 'valetkey/pages';

export const PAGES = builtInPages() as Drawing;
/** The type of the built-in pages, which are all functions. */
type Drawing = { readonly [Name in keyof DrawnPages]: Exclude<DrawnPages[Name], string> } & {
  readonly assets: Assets;
};

export const PAGE: PageView = {
  providerName: 'Northwind ID',
  logoUrl: null,
  locales: ['en'],
  assetsUrl: '/assets/',
};
export const CLIENT: ClientView = {
  clientId: 'photos',
  name: 'Photo Studio',
  host: 'photos.example',
  clientUri: 'https://photos.example/',
  policyUri: 'https://photos.example/privacy',
  tosUri: 'https://photos.example/terms',
};
export const FORM = {
  action: '/post',
  fields: { interaction: 'sealed', step: 'a "step"', token: 't' },
};
const LONG: ClientView = {
  ...CLIENT,
  name: 'The Extraordinarily Long-Winded Application of the Donaudampfschifffahrtsgesellschaft and Friends',
  host: 'a-very-long-subdomain-name-of-somebody.applications.customer-portal.example.co.uk',
};
const scopes = (...descriptions: string[]): ScopeView[] =>
  descriptions.map((description, index) => ({ name: `s${index}`, description }));

export const LOGIN: LoginView = {
  ...PAGE,
  client: CLIENT,
  form: FORM,
  username: '',
  problem: null,
  retryAfter: null,
  again: false,
  acrValues: [],
};
export const CONSENT: ConsentView = {
  ...PAGE,
  client: CLIENT,
  form: FORM,
  accountName: 'Alice Example',
  newScopes: scopes('Confirm who you are', 'See your email address'),
  knownScopes: [],
  offline: false,
};
const ERROR: ErrorView = {
  ...PAGE,
  status: 400,
  code: 'invalid_request',
  reason: 'redirect_uri_mismatch',
  description: 'The redirect_uri is not registered for this application.',
  requestId: '01JB5Z8Q1V7K3M2N',
};
const account = { ...PAGE, client: CLIENT, form: FORM, accountName: 'Alice Example' };

const DEVICE: DeviceView = { ...PAGE, form: FORM, userCode: '', problem: null, retryAfter: null };
const CONFIRMATION: DeviceConfirmationView = {
  ...account,
  userCode: 'BCDF-GHJK',
  scopes: scopes('See your name and profile details', 'Read your photos'),
  offline: false,
  place: 'Utrecht, Netherlands',
  sameNetwork: true,
};

/** States without a form, which show the result of an action. */
export const ENDS: Readonly<Record<string, Html>> = {
  'signed out': PAGES.signedOut({
    ...PAGE,
    client: CLIENT,
    signedOut: true,
    homeUrl: 'https://op.example/',
  }),
  'device, allowed': PAGES.deviceResult({ ...PAGE, client: CLIENT, allowed: true }),
  'device, denied': PAGES.deviceResult({ ...PAGE, client: LONG, allowed: false }),
  stayed: PAGES.signedOut({
    ...PAGE,
    client: null,
    signedOut: false,
    homeUrl: 'https://op.example/',
  }),
  error: PAGES.error(ERROR),
  'our error': PAGES.error({ ...ERROR, status: 500, code: 'server_error', reason: 'server_error' }),
};
export const FORMS: Readonly<Record<string, Html>> = {
  login: PAGES.login(LOGIN),
  'login, wrong': PAGES.login({ ...LOGIN, username: 'alice', problem: 'credentials' }),
  'login, limited': PAGES.login({
    ...LOGIN,
    username: 'alice',
    problem: 'limited',
    retryAfter: 840,
  }),
  'login, idle': PAGES.login({ ...LOGIN, problem: 'idle', again: true }),
  'login, long names': PAGES.login({
    ...LOGIN,
    client: LONG,
    username: 'a'.repeat(90),
    problem: 'credentials',
  }),
  account: PAGES.account(account),
  'account, long names': PAGES.account({ ...account, client: LONG, accountName: 'a'.repeat(100) }),
  consent: PAGES.consent(CONSENT),
  'consent, more': PAGES.consent({
    ...CONSENT,
    knownScopes: scopes('See your phone number'),
    offline: true,
  }),
  'consent, many': PAGES.consent({
    ...CONSENT,
    client: LONG,
    newScopes: scopes(
      ...Array.from(
        { length: 12 },
        (_, index) => `Change thing ${index}, also on behalf of other people of your team`,
      ),
    ),
    offline: true,
  }),
  'consent, nothing': PAGES.consent({ ...CONSENT, newScopes: [] }),
  logout: PAGES.logout(account),
  device: PAGES.device(DEVICE),
  'device, wrong': PAGES.device({ ...DEVICE, userCode: 'BCDF-GHJK', problem: 'unknown' }),
  'device, limited': PAGES.device({ ...DEVICE, problem: 'limited', retryAfter: 840 }),
  'device, confirmation': PAGES.deviceConfirmation(CONFIRMATION),
  'device, far away': PAGES.deviceConfirmation({
    ...CONFIRMATION,
    client: LONG,
    accountName: 'a'.repeat(100),
    place: '2001:db8:1234:5678:9abc:def0:1234:5678',
    sameNetwork: false,
    offline: true,
  }),
  'device, nothing': PAGES.deviceConfirmation({
    ...CONFIRMATION,
    scopes: [],
    place: null,
    sameNetwork: null,
  }),
  'logout, unknown application': PAGES.logout({ ...account, client: null }),
};
export const ALL: Readonly<Record<string, Html>> = { ...FORMS, ...ENDS };
