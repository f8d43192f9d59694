/** Every state of every built-in page, as HTML, for the tests of the pages. */
import type {
  AccountOverviewView,
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
  accountUrl: null,
  assetsUrl: '/assets/',
};
export const CLIENT: ClientView = {
  clientId: 'photos',
  name: 'Photo Studio',
  host: 'photos.example',
  vouchedFor: true,
  describedBy: null,
  onThisComputer: false,
  logoUrl: null,
  clientUri: 'https://photos.example/',
  policyUri: 'https://photos.example/privacy',
  tosUri: 'https://photos.example/terms',
};
const LONG: ClientView = {
  ...CLIENT,
  name: 'The Extraordinarily Long-Winded Application of the Donaudampfschifffahrtsgesellschaft and Friends',
  host: 'a-very-long-subdomain-name-of-somebody.applications.customer-portal.example.co.uk',
};
/** It describes itself, and answers go to the reader's computer. */
const DESCRIBED: ClientView = {
  ...CLIENT,
  name: 'Photo Assistant',
  host: 'localhost',
  vouchedFor: false,
  describedBy: 'assistant.example',
  onThisComputer: true,
};
const SELF_REGISTERED: ClientView = { ...LONG, vouchedFor: false };
export const FORM = {
  action: '/post',
  fields: { interaction: 'sealed', step: 'a "step"', token: 't' },
};
const scopes = (...descriptions: string[]): ScopeView[] =>
  descriptions.map((description, index) => ({ name: `s${index}`, description, writes: false }));

export const LOGIN: LoginView = {
  ...PAGE,
  client: CLIENT,
  form: FORM,
  username: '',
  problem: null,
  retryAfter: null,
  again: false,
  accountName: null,
  acrValues: [],
};
export const CONSENT: ConsentView = {
  ...PAGE,
  client: CLIENT,
  form: FORM,
  accountName: 'Alice Example',
  newScopes: [
    { name: 'openid', description: 'Confirm who you are', writes: false },
    { name: 'email', description: 'See your email address', writes: false },
  ],
  knownScopes: [],
  offline: false,
  offlineKnown: false,
  partial: false,
  details: [],
};
const ERROR: ErrorView = {
  ...PAGE,
  status: 400,
  code: 'invalid_request',
  reason: 'redirect_uri_mismatch',
  description: 'The redirect_uri is not registered for this application.',
  requestId: '01JB5Z8Q1V7K3M2N',
  returnTo: null,
};
const account = { ...PAGE, client: CLIENT, form: FORM, accountName: 'Alice Example' };

const OVERVIEW: AccountOverviewView = {
  ...PAGE,
  accountName: 'Alice Example',
  form: FORM,
  sessions: [
    { sid: 'one', signedInAt: 1_795_000_000, usedAt: 1_795_003_600, isThisOne: true },
    { sid: 'two', signedInAt: 1_794_000_000, usedAt: 1_794_900_000, isThisOne: false },
  ],
  applications: [
    {
      client: CLIENT,
      scopes: [
        ...scopes('Confirm who you are', 'See your email address'),
        { name: 'photos.write', description: 'Add and change your photos', writes: true },
      ],
      since: 1_790_000_000,
      start: {
        url: 'https://photos.example/start?iss=https%3A%2F%2Fop.example',
        host: 'photos.example',
      },
    },
    {
      client: { ...CLIENT, clientId: 'bare', name: 'Bare' },
      scopes: [],
      since: 1_790_000_000,
      start: null,
    },
  ],
};
const DEVICE: DeviceView = { ...PAGE, form: FORM, userCode: '', problem: null, retryAfter: null };
const CONFIRMATION: DeviceConfirmationView = {
  ...account,
  userCode: 'BCDF-GHJK',
  scopes: [
    { name: 'profile', description: 'See your name and profile details', writes: false },
    { name: 'photos', description: 'Read your photos', writes: false },
  ],
  offline: false,
  partial: false,
  details: [],
  place: 'Utrecht, Netherlands',
  sameNetwork: true,
};

/** States without a form, which show the result of an action. */
const endsOf = (pages: Drawing): Readonly<Record<string, Html>> => ({
  'signed out': pages.signedOut({
    ...PAGE,
    client: CLIENT,
    signedOut: true,
    frames: [],
    homeUrl: 'https://op.example/',
    returnTo: null,
  }),
  'device, allowed': pages.deviceResult({ ...PAGE, client: CLIENT, allowed: true }),
  'device, denied': pages.deviceResult({ ...PAGE, client: LONG, allowed: false }),
  stayed: pages.signedOut({
    ...PAGE,
    client: null,
    signedOut: false,
    frames: [],
    homeUrl: 'https://op.example/',
    returnTo: null,
  }),
  error: pages.error(ERROR),
  'error, a link to the application': pages.error({
    ...ERROR,
    code: 'access_denied',
    reason: 'consent_denied',
    description: 'The user denied the request.',
    returnTo: { url: 'https://app.example/cb?error=access_denied', host: 'app.example' },
  }),
  'signed out, a link to the application': pages.signedOut({
    ...PAGE,
    client: SELF_REGISTERED,
    signedOut: true,
    frames: [],
    homeUrl: 'https://op.example/',
    returnTo: { url: `https://${LONG.host}/bye`, host: LONG.host },
  }),
  'our error': pages.error({ ...ERROR, status: 500, code: 'server_error', reason: 'server_error' }),
  home: pages.home({
    ...PAGE,
    discoveryUrl: 'https://op.example/.well-known/openid-configuration',
  }),
});
const formsOf = (pages: Drawing): Readonly<Record<string, Html>> => ({
  login: pages.login(LOGIN),
  'login, wrong': pages.login({ ...LOGIN, username: 'alice', problem: 'credentials' }),
  'login, limited': pages.login({
    ...LOGIN,
    username: 'alice',
    problem: 'limited',
    retryAfter: 840,
  }),
  'login, idle': pages.login({ ...LOGIN, problem: 'idle', again: true }),
  'login, again': pages.login({ ...LOGIN, again: true, accountName: 'Alice Example' }),
  'login, long names': pages.login({
    ...LOGIN,
    client: LONG,
    username: 'a'.repeat(90),
    problem: 'credentials',
  }),
  account: pages.account(account),
  'account, long names': pages.account({ ...account, client: LONG, accountName: 'a'.repeat(100) }),
  consent: pages.consent(CONSENT),
  'consent, more': pages.consent({
    ...CONSENT,
    knownScopes: scopes('See your phone number'),
    offline: true,
  }),
  'consent, many': pages.consent({
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
  'consent, writes': pages.consent({
    ...CONSENT,
    newScopes: [
      ...CONSENT.newScopes,
      { name: 'photos.write', description: 'Add and change your photos', writes: true },
    ],
    knownScopes: [{ name: 'albums.write', description: 'Arrange your albums', writes: true }],
  }),
  'consent, details': pages.consent({
    ...CONSENT,
    details: ['Pay 12.50 EUR to Merchant Ltd', 'See the balance of the account that ends with 42'],
  }),
  'consent, partial': pages.consent({
    ...CONSENT,
    newScopes: [
      ...CONSENT.newScopes,
      { name: 'photos.write', description: 'Add and change your photos', writes: true },
    ],
    knownScopes: scopes('See your phone number'),
    offline: true,
    partial: true,
  }),
  'device, partial': pages.deviceConfirmation({ ...CONFIRMATION, partial: true }),
  'consent, described': pages.consent({ ...CONSENT, client: DESCRIBED }),
  'consent, registered itself': pages.consent({ ...CONSENT, client: SELF_REGISTERED }),
  'device, registered itself': pages.deviceConfirmation({
    ...CONFIRMATION,
    client: SELF_REGISTERED,
  }),
  'consent, nothing': pages.consent({ ...CONSENT, newScopes: [] }),
  logout: pages.logout(account),
  device: pages.device(DEVICE),
  'device, wrong': pages.device({ ...DEVICE, userCode: 'BCDF-GHJK', problem: 'unknown' }),
  'device, limited': pages.device({ ...DEVICE, problem: 'limited', retryAfter: 840 }),
  'device, confirmation': pages.deviceConfirmation(CONFIRMATION),
  'device, far away': pages.deviceConfirmation({
    ...CONFIRMATION,
    client: LONG,
    accountName: 'a'.repeat(100),
    place: '2001:db8:1234:5678:9abc:def0:1234:5678',
    sameNetwork: false,
    offline: true,
  }),
  'device, details': pages.deviceConfirmation({
    ...CONFIRMATION,
    details: ['Pay 12.50 EUR to Merchant Ltd', 'See the balance of the account that ends with 42'],
  }),
  'device, nothing': pages.deviceConfirmation({
    ...CONFIRMATION,
    scopes: [],
    place: null,
    sameNetwork: null,
  }),
  'form post': pages.formPost({ ...PAGE, host: 'photos.example', form: FORM }),
  'account overview': pages.accountOverview(OVERVIEW),
  'account overview, nothing': pages.accountOverview({
    ...OVERVIEW,
    sessions: OVERVIEW.sessions.slice(0, 1),
    applications: [],
  }),
  'account overview, long names': pages.accountOverview({
    ...OVERVIEW,
    accountName: 'a'.repeat(100),
    applications: [LONG, SELF_REGISTERED, DESCRIBED].map((client) => ({
      client,
      scopes: scopes('See your phone number'),
      since: 1_795_000_000,
      start: null,
    })),
  }),
  'logout, unknown application': pages.logout({ ...account, client: null }),
});

type Change = (view: PageView) => PageView;

/** The built-in pages for people who want this language. */
const wanting = (language: string, change: Change): Drawing =>
  Object.fromEntries(
    Object.entries(PAGES).map(([name, draw]) => [
      name,
      typeof draw === 'function'
        ? (view: PageView) => draw(change({ ...view, locales: [language] }) as never)
        : draw,
    ]),
  ) as unknown as Drawing;

/** Every state in a language. @param change what becomes of each view before it is drawn */
export const statesIn = (
  language: string,
  change: Change = (view) => view,
): Readonly<Record<string, Html>> => {
  const pages = wanting(language, change);
  return { ...formsOf(pages), ...endsOf(pages) };
};
export const ENDS = endsOf(PAGES);
export const FORMS = formsOf(PAGES);
export const ALL: Readonly<Record<string, Html>> = { ...FORMS, ...ENDS };
