/** A host that keeps sessions itself (`accounts.current`) and has a login page of its own. */
import type { Accounts, Config, HostSession } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { expect } from 'vitest';
import {
  allow,
  browserOf,
  codeOf,
  cookieOf,
  makeWorld,
  openAuthorize,
  pkce,
  redeem,
  START,
  type Tokens,
  type World,
} from '../setup.ts';

/** The login page of the host. */
export const LOGIN = '/host/login';

export interface Host {
  readonly world: World;
  readonly browser: ScriptedBrowser;
  readonly people: World['accounts'];
  /** Who is signed in to the host, whatever the browser. */
  current: HostSession | null;
}

export async function makeHost(
  config: Partial<Config> = {},
  accounts: Partial<Accounts> = {},
): Promise<Host> {
  const { accounts: people } = await makeWorld();
  const host = { people, current: null } as { -readonly [Key in keyof Host]: Host[Key] };
  host.world = await makeWorld({
    accounts: { ...people, current: async () => host.current, ...accounts },
    pages: { ...builtInPages(), login: LOGIN },
    ...config,
  });
  host.browser = browserOf(host.world);
  return host;
}

/** A session of the host. */
export function sessionOf(sub: string, changes: Partial<HostSession> = {}): HostSession {
  return { sub, sessionId: `session of ${sub}`, authTime: START, ...changes };
}

export async function ask(
  { world, browser }: Host,
  changes: Readonly<Record<string, string | null>> = {},
): Promise<Visit> {
  return await openAuthorize(world, browser, changes);
}

export function isHostLogin({ url }: Visit): boolean {
  return new URL(url).pathname === LOGIN;
}

/** The request that a page of the host receives. */
export function requestOf({ browser }: Host, visit: Visit): Request {
  return new Request(visit.url, { headers: { cookie: cookieOf(browser) } });
}

/** The login page of the host says that somebody is signed in. */
export async function goOn(host: Host, visit: Visit): Promise<Visit> {
  const response = await host.world.provider.interactions.continue(requestOf(host, visit));
  return await host.browser.open(response.headers.get('location') ?? '');
}

/** The whole flow for who is signed in to the host. */
export async function tokensFor(
  { world, browser }: Host,
  changes: Readonly<Record<string, string>> = {},
): Promise<Tokens> {
  const proof = pkce();
  let visit = await openAuthorize(world, browser, changes, proof);
  if (visit.leaves === null) visit = await allow(browser, visit);
  const answer = await redeem(world, codeOf(visit) ?? '', proof.verifier);
  expect([answer.status, answer.body]).toEqual([200, expect.anything()]);
  return answer.body as unknown as Tokens;
}
