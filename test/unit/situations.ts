/** Facts for the decision which step comes next, as rows of tables. */
import { sample } from 'valetkey/testing';
import { expect } from 'vitest';
import type { Interaction } from '../../src/domain/interactions.ts';
import type { Situation, Step } from '../../src/engine/contracts/step.ts';
import { nextStep } from '../../src/engine/next-step.ts';
import { account } from '../../src/engine/steps/account.ts';
import { consent } from '../../src/engine/steps/consent.ts';
import { login } from '../../src/engine/steps/login.ts';
import type { LoginDemand } from '../../src/protocol/authorization-request.ts';

export const STARTED = 1000;
export const NOW = 1100;
export const STEPS = [login, account, consent];
export const FACTS = sample.facts({
  sub: 'ada',
  clientId: 'app',
  sid: 'sid',
  scopes: ['openid', 'read'],
});

/** What differs from an earlier login with everything allowed. */
export interface Row
  extends Partial<Pick<Interaction, 'loginSession' | 'chosen' | 'switching' | 'answers'>> {
  /** Of the session; null: nobody is signed in. */
  readonly authTime?: number | null;
  readonly hosted?: boolean;
  readonly prompt?: string;
  readonly maxAge?: number;
  /** Subject of the id_token_hint. */
  readonly hinted?: string;
  readonly asked?: readonly string[];
  /** Scopes of the remembered authorization; null: there is none. */
  readonly allowed?: readonly string[] | null;
  readonly public?: boolean;
  readonly skipConsent?: boolean;
  readonly redirectUri?: string | null;
  readonly flow?: string;
  readonly demands?: readonly LoginDemand[];
  /** What the response brings. */
  readonly artifacts?: readonly string[];
  /** Authentication context of the session. */
  readonly acr?: string;
}
/** `step because`, `refuse because`, or `done`; and the rows for which that is next. */
export type Table = Readonly<Record<string, Readonly<Record<string, Row>>>>;
export const rowsOf = (table: Table): [expected: string, what: string, row: Row][] =>
  Object.entries(table).flatMap(([expected, rows]) =>
    Object.entries(rows).map(([what, row]): [string, string, Row] => [expected, what, row]),
  );

/** Somebody signed in within the interaction. */
export const FRESH: Row = {
  authTime: STARTED + 50,
  loginSession: 'here',
  chosen: 'ada',
};
/** The same at a host, in the second in which the interaction began; and one second earlier. */
export const HOST: Row = { authTime: STARTED, hosted: true };
export const EARLIER: Row = { authTime: STARTED - 1 };
export const NOBODY: Row = { authTime: null };

export function situation(row: Row): Situation {
  const { authTime = 500, allowed = FACTS.scopes, prompt = '' } = row;
  const values: Record<string, unknown> = {
    prompt: prompt.split(' ').filter((word) => word !== ''),
    max_age: row.maxAge ?? null,
    id_token_hint: row.hinted ?? null,
  };
  const session =
    authTime === null
      ? null
      : sample.session(FACTS, { handle: 'here', authTime, acr: row.acr ?? null });
  return {
    flow: row.flow ?? 'authorize',
    client: {
      ...sample.client('app'),
      tokenEndpointAuthMethod: row.public === true ? 'none' : 'client_secret_basic',
      skipConsent: row.skipConsent ?? false,
    },
    request: {
      clientId: 'app',
      scopes: row.asked ?? FACTS.scopes,
      consentScopes: row.asked ?? FACTS.scopes,
      artifacts: row.artifacts ?? ['code'],
      demands: row.demands ?? [],
      values,
    },
    redirectUri: row.redirectUri === undefined ? 'https://rp.example/cb' : row.redirectUri,
    subject: session?.sub ?? null,
    session,
    hosted: row.hosted ?? false,
    account: null,
    authorization:
      session === null || allowed === null
        ? null
        : sample.authorization(FACTS, { scopes: allowed }),
    interaction: {
      id: 'interaction',
      flow: row.flow ?? 'authorize',
      params: {},
      stored: null,
      browser: null,
      startedAt: STARTED,
      requestedAt: STARTED,
      decidedAt: STARTED,
      loginSession: row.loginSession ?? null,
      chosen: row.chosen ?? null,
      switching: row.switching ?? null,
      sentToHost: false,
      shown: {},
      shownTo: null,
      answers: row.answers ?? {},
    },
    now: NOW,
  };
}

export function told(steps: readonly Step[], facts: Situation): string {
  const next = nextStep(steps, facts);
  if (next.next === 'step') return `${next.step.name} ${next.due.because}`;
  if (next.next === 'refuse') return `refuse ${next.because}`;
  expect(next.session).toBe(facts.session);
  return 'done';
}
export const answered = (sub: string, ...scopes: string[]): Interaction['answers'] => ({
  consent: { sub, scopes },
});
export const consentGiven = answered('ada', 'openid', 'read');
