/**
 * The load on one server: its endpoints from the discovery document, and people with a connection
 * each. People sign in and consent once, before anything is measured.
 */
import { scriptedBrowser } from 'valetkey/testing';
import { type Connection, connect } from './connection.ts';
import {
  APPLICATION,
  APPLICATION_SCOPE,
  PASSWORD,
  PEOPLE,
  personName,
  REDIRECT_URI,
} from './servers/registrations.ts';

/** Paths of the endpoints. */
export interface Endpoints {
  readonly authorization: string;
  readonly token: string;
  readonly introspection: string;
  readonly userinfo: string;
  readonly revocation: string;
}

export interface Person {
  readonly name: string;
  readonly connection: Connection;
  /** Cookies by name; empty until the person signs in. */
  cookies: Map<string, string>;
  /** The newest refresh token; empty until there is one. */
  refreshToken: string;
}

export interface Load {
  readonly origin: string;
  readonly endpoints: Endpoints;
  readonly people: readonly Person[];
  /** Access tokens that a scenario uses, or uses up. */
  readonly tokens: string[];
}

/** The challenge of some verifier. The code of the first sign-in is not redeemed. */
const SOME_CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
/** How many people prepare something at the same time. */
const AT_ONCE = 8;
/** The page to sign in, the page to consent, and one to spare. */
const MOST_PAGES = 3;

export async function openLoad(port: number): Promise<Load> {
  const origin = `http://127.0.0.1:${port}`;
  const people = Array.from({ length: PEOPLE }, async (_, index) => ({
    name: personName(index),
    connection: await connect(port),
    cookies: new Map<string, string>(),
    refreshToken: '',
  }));
  return {
    origin,
    endpoints: await discover(origin),
    people: await Promise.all(people),
    tokens: [],
  };
}

export function closeLoad({ people }: Load): void {
  for (const { connection } of people) connection.close();
}

async function discover(origin: string): Promise<Endpoints> {
  const response = await fetch(`${origin}/.well-known/openid-configuration`);
  const metadata = (await response.json()) as Readonly<Record<string, unknown>>;
  const pathOf = (name: string): string => new URL(String(metadata[`${name}_endpoint`])).pathname;
  return {
    authorization: pathOf('authorization'),
    token: pathOf('token'),
    introspection: pathOf('introspection'),
    userinfo: pathOf('userinfo'),
    revocation: pathOf('revocation'),
  };
}

/** Lets each person do some work, a few at the same time. */
export async function eachPerson(
  { people }: Load,
  work: (person: Person) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < people.length; start += AT_ONCE)
    await Promise.all(people.slice(start, start + AT_ONCE).map(work));
}

/** Signs a person in and consents, through the pages if there are any. */
export async function signIn({ origin, endpoints }: Load, person: Person): Promise<void> {
  const browser = scriptedBrowser(fetch, (url) => url.origin === origin);
  const query = new URLSearchParams({
    client_id: APPLICATION.id,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: APPLICATION_SCOPE,
    code_challenge: SOME_CHALLENGE,
    code_challenge_method: 'S256',
    login_hint: person.name,
  });
  let visit = await browser.open(`${origin}${endpoints.authorization}?${query}`);
  for (let pages = 0; visit.leaves === null && pages < MOST_PAGES; pages += 1) {
    const fields = visit.html.includes('name="password"')
      ? { username: person.name, password: PASSWORD, decision: 'login' }
      : { decision: 'allow' };
    visit = await browser.submit(visit, fields);
  }
  if (!visit.leaves?.searchParams.has('code'))
    throw new Error(`${person.name} cannot sign in: ${visit.status} ${visit.leaves ?? visit.html}`);
  person.cookies = browser.cookies;
}
