/**
 * The answers of a provider whose operator, applications and people wrote one text wherever they
 * can write any, and to requests that have it in every parameter and header.
 */
import { deviceAuthorization, dynamicRegistration } from 'valetkey';
import { memoryAccounts, type ScriptedBrowser, type Visit } from 'valetkey/testing';
import {
  DEVICE_GRANT,
  DEVICE_PAGE,
  startDevice,
  toConfirmation,
} from '../spec/device-authorization/device.ts';
import { register } from '../spec/dynamic-registration/registering.ts';
import {
  ALICE,
  allow,
  authorizeParams,
  authorizeUrl,
  browserOf,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  pkce,
  type World,
} from '../spec/setup.ts';

/** Origin of the application. */
export const RP = 'https://rp.example';
const BYE = `${RP}/bye`;
/** What the page after a logout loads in a frame. */
export const FRAME = `${RP}/front`;

/** What a registration takes of the text: no control characters and none that turn it around. */
const readable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cs}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, '');
/** What of the text may stand in a registered address: all that is visible in ASCII. */
const inAddress = (text: string): string =>
  text
    .toString()
    .replace(/[^!-~]/gu, (one) => encodeURIComponent(one.replace(/\p{Cs}/u, '?')))
    .replaceAll('#', '%23');
const inHeader = (text: string): string => text.replace(/[^ -~]/g, '').trim();
const asScope = (text: string): string => text.replace(/[^!#-[\]-~]/g, '') || 'x';

/** A provider whose operator, application and person have the text wherever they have one. */
async function worldWith(text: string): Promise<World> {
  const world = await makeWorld({
    accounts: memoryAccounts([{ ...ALICE, claims: { name: text } }]),
    scopes: { read: text, [asScope(text)]: text },
    features: [
      deviceAuthorization({ place: () => text }),
      dynamicRegistration({ enabled: true, allowOpenRegistration: true }),
    ],
  });
  const address = `https://rp.example/?${inAddress(text)}`;
  await world.provider.clients.update(world.web.clientId, {
    name: readable(text),
    contacts: [readable(text)],
    softwareId: readable(text),
    owner: text,
    grantTypes: [DEVICE_GRANT, 'authorization_code', 'refresh_token'],
    clientUri: address,
    policyUri: address,
    tosUri: address,
    logoUri: address,
    initiateLoginUri: address,
    partialConsent: true,
    fields: { frontchannel_logout_uri: `${FRAME}?${inAddress(text)}` },
  });
  return world;
}

/** Answers, by the name of the page. */
export type Visits = Map<string, Visit>;

/** Signing in, and what comes after it. */
async function signIn(world: World, text: string, visits: Visits): Promise<ScriptedBrowser> {
  const browser = browserOf(world);
  const said = { state: text, nonce: text, login_hint: text, ui_locales: text, acr_values: text };
  const scope = `openid read ${asScope(text)}`;
  const login = await openAuthorize(world, browser, { ...said, scope, response_mode: 'form_post' });
  visits.set('login', login);
  const failed = await browser.submit(login, { username: text, password: text, decision: 'login' });
  visits.set('login, wrong', failed);
  const consent = await logIn(browser, failed);
  visits.set('consent', consent);
  visits.set('answer', await allow(browser, consent));
  visits.set('account', await openAuthorize(world, browser, { prompt: 'select_account' }));
  visits.set('account overview', await browser.open(`${ISSUER}/o/account/`));
  return browser;
}

async function useDevice(world: World, text: string, visits: Visits): Promise<void> {
  const browser = browserOf(world);
  const entry = await browser.open(`${DEVICE_PAGE}?${new URLSearchParams({ user_code: text })}`);
  visits.set('device', entry);
  visits.set('device, wrong', await browser.submit(entry, { user_code: text }));
  const device = await startDevice(world, { scope: `openid read ${asScope(text)}` });
  const confirmation = await toConfirmation(browser, device);
  visits.set('device, confirmation', confirmation);
  visits.set('device, result', await browser.submit(confirmation, { decision: 'allow' }));
}

async function signOut(
  world: World,
  text: string,
  browser: ScriptedBrowser,
  visits: Visits,
): Promise<void> {
  const query = new URLSearchParams({
    client_id: world.web.clientId,
    post_logout_redirect_uri: BYE,
    state: text,
    ui_locales: text,
    logout_hint: text,
  });
  const question = await browser.open(`${world.provider.url('rp-initiated-logout')}?${query}`);
  visits.set('logout', question);
  visits.set('stayed', await browser.submit(question, { decision: 'stay' }));
  visits.set('signed out', await browser.submit(question, { decision: 'logout' }));
}

/** An application that registers itself. @returns its client_id */
async function registerOpenly(world: World, text: string, visits: Visits): Promise<string> {
  const { body } = await register(world, {
    client_name: readable(text),
    client_uri: `https://app.example/?${inAddress(text)}`,
    redirect_uris: ['https://app.example/cb'],
  });
  const clientId = String(body['client_id']);
  const ours = { client_id: clientId, redirect_uri: 'https://app.example/cb', state: text };
  const browser = browserOf(world);
  visits.set('refused, a link', await openAuthorize(world, browser, { ...ours, scope: 'root' }));
  const login = await openAuthorize(world, browser, ours);
  visits.set('consent, registered itself', await logIn(browser, login));
  return clientId;
}

const REFUSED = [
  ...['client_id', 'redirect_uri', 'response_type', 'response_mode', 'scope', 'state', 'prompt'],
  ...['max_age', 'claims', 'id_token_hint', 'request', 'request_uri', 'resource', 'interaction'],
  ...['code_challenge', 'code_challenge_method', 'error', 'error_description', 'registration'],
];

/** Requests with the text where something else is expected, and at addresses with the text. */
async function provoke(world: World, text: string, visits: Visits): Promise<void> {
  const browser = browserOf(world);
  const changes = { prompt: 'none', response_mode: 'form_post', state: text };
  visits.set('refusal that is posted', await openAuthorize(world, browser, changes));
  for (const name of REFUSED)
    visits.set(`refused ${name}`, await openAuthorize(world, browser, { [name]: text }));
  const whole = encodeURIComponent(Buffer.from(text).toString());
  const requests = [
    `${ISSUER}/o/${whole}`,
    `${ISSUER}/${text}`,
    `${authorizeUrl(world, authorizeParams(world, pkce().challenge))}&${text}`,
    `${DEVICE_PAGE}?interaction=${whole}`,
    `${ISSUER}/o/interaction/?interaction=${whole}&${whole}=${whole}`,
    `${world.provider.url('assets')}${whole}`,
    `${world.provider.url('client-logo')}${whole}`,
  ].map((url) => new Request(url, { headers: headersOf(text) }));
  for (const [index, request] of requests.entries()) {
    const info = { ip: '192.0.2.1', requestId: text };
    const response = await world.provider.fetch(request, info);
    const { status, headers } = response;
    // A redirect has no text.
    const html = await response.text();
    visits.set(`address ${index}`, { url: request.url, status, headers, html, leaves: null });
  }
}

function headersOf(text: string): Record<string, string> {
  const names = ['accept-language', 'x-request-id', 'x-forwarded-host', 'x-forwarded-proto'];
  const more = ['forwarded', 'referer', 'origin', 'user-agent', 'cookie'];
  return Object.fromEntries([...names, ...more].map((name) => [name, inHeader(text)]));
}

/** What is sealed or random, in pages that are else alike. */
const VARYING = /value="[\w.-]{20,}"|id="error-request">[\w-]{8,}</g;

/**
 * Every answer that is shown, with `client` for every client_id.
 * @param seen answers that need not be seen again, such as refusals that say nothing of a request
 */
export async function answersTo(text: string, seen: Set<string>): Promise<Visits> {
  const world = await worldWith(text);
  const visits: Visits = new Map();
  // NUL is refused wherever it comes, so that no form would be reached.
  const typed = text.replaceAll('\0', '');
  const browser = await signIn(world, typed, visits);
  await useDevice(world, typed, visits);
  await signOut(world, typed, browser, visits);
  const clientIds = [world.web.clientId, await registerOpenly(world, typed, visits)];
  await provoke(world, text, visits);
  for (const [name, visit] of visits) {
    const html = clientIds.reduce((all, id) => all.replaceAll(id, 'client'), visit.html);
    const bare = html.replace(VARYING, '');
    if (html === '' || seen.has(bare)) visits.delete(name);
    else visits.set(name, { ...visit, html });
    seen.add(bare);
  }
  return visits;
}
