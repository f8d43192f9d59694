/**
 * Which step comes next, as a table: facts → step and why, refusal, or the end. A row names what
 * differs from a request for which nothing is due.
 */
import { sample } from 'valetkey/testing';
import { describe, expect, it } from 'vitest';
import type { Interaction } from '../../src/domain/interactions.ts';
import type { Situation, Step } from '../../src/engine/contracts/step.ts';
import { nextStep } from '../../src/engine/next-step.ts';
import { account } from '../../src/engine/steps/account.ts';
import { consent, consentIn } from '../../src/engine/steps/consent.ts';
import { login } from '../../src/engine/steps/login.ts';
import { OAuthError } from '../../src/protocol/errors.ts';

const STARTED = 1000;
const NOW = 1100;
const STEPS = [login, account, consent];
const FACTS = sample.facts({ sub: 'ada', clientId: 'app', sid: 'sid', scopes: ['openid', 'read'] });

/** What differs from an earlier login with everything allowed. */
interface Row
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
}
/** `step because`, `refuse because`, or `done`; and the rows for which that is next. */
type Table = Readonly<Record<string, Readonly<Record<string, Row>>>>;
const rowsOf = (table: Table): [expected: string, what: string, row: Row][] =>
  Object.entries(table).flatMap(([expected, rows]) =>
    Object.entries(rows).map(([what, row]): [string, string, Row] => [expected, what, row]),
  );

/** Somebody signed in within the interaction. */
const FRESH: Row = {
  authTime: STARTED + 50,
  loginSession: 'here',
  chosen: 'ada',
};
/** The same at a host, in the second in which the interaction began; and one second earlier. */
const HOST: Row = { authTime: STARTED, hosted: true };
const EARLIER: Row = { authTime: STARTED - 1 };
const NOBODY: Row = { authTime: null };

function situation(row: Row): Situation {
  const { authTime = 500, allowed = FACTS.scopes, prompt = '' } = row;
  const values: Record<string, unknown> = {
    prompt: prompt.split(' ').filter((word) => word !== ''),
    max_age: row.maxAge ?? null,
    id_token_hint: row.hinted ?? null,
  };
  const session = authTime === null ? null : sample.session(FACTS, { handle: 'here', authTime });
  return {
    flow: row.flow ?? 'authorize',
    client: {
      ...sample.client('app'),
      tokenEndpointAuthMethod: row.public === true ? 'none' : 'client_secret_basic',
      skipConsent: row.skipConsent ?? false,
    },
    request: { clientId: 'app', scopes: row.asked ?? FACTS.scopes, values },
    redirectUri: row.redirectUri === undefined ? 'https://rp.example/cb' : row.redirectUri,
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

function told(steps: readonly Step[], facts: Situation): string {
  const next = nextStep(steps, facts);
  if (next.next === 'step') return `${next.step.name} ${next.due.because}`;
  if (next.next === 'refuse') return `refuse ${next.because}`;
  expect(next.session).toBe(facts.session);
  return 'done';
}
const answered = (sub: string, ...scopes: string[]): Interaction['answers'] => ({
  consent: { sub, scopes },
});
const consentGiven = answered('ada', 'openid', 'read');

describe('login', () => {
  const nobody: Table = {
    'login no_session': {
      'nothing else': NOBODY,
      'another flow': { ...NOBODY, flow: 'device' },
      'a host keeps sessions': { ...NOBODY, hosted: true },
      'prompt=none': { ...NOBODY, prompt: 'none' },
      'a hint': { ...NOBODY, hinted: 'eve' },
      max_age: { ...NOBODY, maxAge: 0 },
      'a trusted client': { ...NOBODY, skipConsent: true },
      'every page is asked for': { ...NOBODY, prompt: 'login select_account consent' },
      'a session that ended': { ...FRESH, authTime: null },
      'a switch': { ...NOBODY, switching: 'here ada 500' },
      'consent was given': { ...NOBODY, answers: consentGiven },
    },
  };
  it.each(rowsOf(nobody))('%s: nobody is signed in, %s', (expected, _, row) =>
    expect(told(STEPS, situation(row))).toBe(expected),
  );

  const mark = 'here ada 500';
  const switching: Table = {
    'login switch_account': {
      'the session is the old one': { switching: mark },
      'another tab signed in': { switching: mark, loginSession: 'elsewhere' },
      'the mark is of a session gone meanwhile': { switching: 'gone ada 500' },
      'the host has the same login': { hosted: true, switching: mark, loginSession: 'here' },
      'a hint for somebody else': { ...HOST, hinted: 'eve', switching: 'here ada 1000' },
      'prompt=login': { prompt: 'login', switching: mark },
      'another flow': { flow: 'device', switching: mark },
    },
    done: {
      'somebody signed in since': { switching: mark, loginSession: 'here' },
      'the host has another proof': { hosted: true, switching: 'here ada 499' },
      'the host has somebody else': { hosted: true, switching: 'here eve 500' },
      'the host has another session': { hosted: true, switching: 'gone ada 500' },
    },
  };
  it.each(rowsOf(switching))('%s: the human wants another account, %s', (expected, _, row) =>
    expect(told(STEPS, situation(row))).toBe(expected),
  );

  const hints: Table = {
    'refuse other_subject': {
      'signed in just now': { ...FRESH, hinted: 'eve' },
      'signed in just now at the host': { ...HOST, hinted: 'eve' },
      'signed in just now, prompt=login': { ...FRESH, hinted: 'eve', prompt: 'login' },
      'signed in just now, another flow': { ...FRESH, hinted: 'eve', flow: 'device' },
    },
    'login other_subject': {
      'signed in before': { hinted: 'eve' },
      'signed in before, prompt=none': { hinted: 'eve', prompt: 'none' },
      'signed in before, prompt=login': { hinted: 'eve', prompt: 'login' },
      'signed in before, max_age': { hinted: 'eve', maxAge: 0 },
      'signed in before at the host': { ...HOST, ...EARLIER, hinted: 'eve' },
      'the proof is older than the interaction': { ...FRESH, ...EARLIER, hinted: 'eve' },
      'differs in case only': { hinted: 'Ada' },
    },
    done: {
      'the very subject, before': { hinted: 'ada' },
      'the very subject, just now': { ...FRESH, hinted: 'ada' },
    },
  };
  it.each(rowsOf(hints))('[OIDC Core §3.1.2.2] %s: id_token_hint: %s', (expected, _, row) =>
    expect(told(STEPS, situation(row))).toBe(expected),
  );

  it('[OIDC Core §3.1.2.2] refuses the wrong subject as login_required', () => {
    const next = nextStep(STEPS, situation({ ...FRESH, hinted: 'eve' }));
    expect(next).toMatchObject({
      next: 'refuse',
      error: { code: 'login_required', reason: 'subject_other_than_hinted', redirectable: true },
    });
  });

  const again: Table = {
    'login prompt_login': {
      'prompt=login, signed in before': { prompt: 'login' },
      'prompt=login, new in another session': { prompt: 'login', authTime: NOW, loginSession: 'x' },
      'prompt=login, new elsewhere': { prompt: 'login', authTime: NOW },
      'prompt=login, one second too old': { ...FRESH, ...EARLIER, prompt: 'login' },
      'prompt=login, one second too old at the host': { ...HOST, ...EARLIER, prompt: 'login' },
      'prompt=login, the hinted subject': { prompt: 'login', hinted: 'ada' },
      'prompt=login and max_age': { prompt: 'login', maxAge: 0 },
      'prompt=login of a trusted client': { prompt: 'login', skipConsent: true },
      'prompt=login select_account': { prompt: 'login select_account' },
      'prompt=consent login': { prompt: 'consent login' },
    },
    'login max_age': {
      'max_age=0': { maxAge: 0 },
      'max_age=0, this very second elsewhere': { maxAge: 0, authTime: NOW },
      'max_age=0, a clock ahead': { maxAge: 0, authTime: NOW + 5 },
      'max_age one second too old': { maxAge: 599, authTime: 500 },
      'max_age before consent': { maxAge: 1, prompt: 'consent' },
    },
    done: {
      'prompt=login, the same second': { ...FRESH, prompt: 'login', authTime: STARTED },
      'prompt=login, the same second at the host': { ...HOST, prompt: 'login' },
      'max_age just reached': { maxAge: 600, authTime: 500 },
      'max_age with a clock ahead': { maxAge: 1, authTime: NOW + 5 },
      'max_age=0, signed in just now': { ...FRESH, maxAge: 0 },
      'max_age, signed in just now and read long since': { ...FRESH, maxAge: 10 },
      'max_age=0, just now at the host': { ...HOST, maxAge: 0 },
    },
  };
  it.each(rowsOf(again))('[OIDC Core §3.1.2.1] %s: %s', (expected, _, row) =>
    expect(told(STEPS, situation(row))).toBe(expected),
  );
});

describe('account', () => {
  const table: Table = {
    'account prompt_select_account': {
      'nobody chose': { prompt: 'select_account' },
      'the host keeps the session': { prompt: 'select_account', hosted: true },
      'somebody else was chosen': { prompt: 'select_account', chosen: 'eve' },
      'another flow': { prompt: 'select_account', flow: 'device' },
      'a trusted client': { prompt: 'select_account', skipConsent: true },
      'before consent': { prompt: 'consent select_account', allowed: null },
      'before consent that was given': { prompt: 'select_account', answers: consentGiven },
    },
    'consent missing_scopes': {
      'chosen, and consent is missing': { prompt: 'select_account', allowed: null, chosen: 'ada' },
    },
    done: {
      chosen: { prompt: 'select_account', chosen: 'ada' },
      'chosen by signing in': { ...FRESH, prompt: 'login select_account' },
      'not asked for': { chosen: 'eve' },
    },
  };
  it.each(rowsOf(table))('[OIDC Core §3.1.2.1] %s: prompt=select_account, %s', (expected, _, row) =>
    expect(told(STEPS, situation(row))).toBe(expected),
  );
});

describe('consent', () => {
  const remembered: Table = {
    'consent missing_scopes': {
      'nothing is remembered': { allowed: null },
      'less is remembered': { allowed: ['openid'] },
      'something else is': { allowed: ['openid', 'write'] },
      'no scopes were': { allowed: [] },
      'no scopes were, and none are asked': { allowed: [], asked: [] },
      'nothing, and no scopes are asked': { allowed: null, asked: [] },
      'nothing, and prompt=none': { allowed: null, prompt: 'none' },
      'nothing, and the login is new': { ...FRESH, prompt: 'login', allowed: null },
    },
    done: {
      'just that': {},
      'just that, and prompt=none': { prompt: 'none' },
      more: { allowed: ['write', 'read', 'openid'] },
      'something, and no scopes are asked': { asked: [] },
      'nothing, in another flow': { allowed: null, flow: 'device' },
      'nothing, and the client is trusted': { allowed: null, skipConsent: true },
    },
  };
  it.each(rowsOf(remembered))('%s: what is remembered: %s', (expected, _, row) =>
    expect(told(STEPS, situation(row))).toBe(expected),
  );

  const prompted: Table = {
    'consent prompt_consent': {
      remembered: { prompt: 'consent' },
      'not remembered': { prompt: 'consent', allowed: null },
      trusted: { prompt: 'consent', skipConsent: true },
      'of a public client': { prompt: 'consent', public: true },
      'after prompt=login': { ...FRESH, prompt: 'consent login' },
      'given by somebody else': { prompt: 'consent', answers: answered('eve', 'openid', 'read') },
      'given for less': { prompt: 'consent', answers: answered('ada', 'openid') },
    },
    done: {
      given: { prompt: 'consent', answers: consentGiven },
      'given to a trusted client': { prompt: 'consent', skipConsent: true, answers: consentGiven },
      'in another flow': { prompt: 'consent', flow: 'device' },
    },
  };
  it.each(rowsOf(prompted))('[OIDC Core §3.1.2.1] %s: prompt=consent, %s', (expected, _, row) =>
    expect(told(STEPS, situation(row))).toBe(expected),
  );
});

describe('consent, by client and answer', () => {
  const native = { public: true, redirectUri: 'com.example.app:/cb' };
  const assured: Table = {
    'consent client_not_assured': {
      'public, private scheme': native,
      'public, private scheme, nothing remembered': { ...native, allowed: null },
      'public, a scheme that begins like https': {
        public: true,
        redirectUri: 'https.example.app:/cb',
      },
      'public, loopback': { public: true, redirectUri: 'http://127.0.0.1:99/cb' },
      'public, no redirect URI': { public: true, redirectUri: null },
      'public, given for less': { ...native, answers: answered('ada') },
    },
    'consent missing_scopes': {
      'public, https, nothing remembered': { public: true, allowed: null },
    },
    done: {
      'public, https': { public: true },
      'public, private scheme, given': { ...native, answers: consentGiven },
      'public, private scheme, trusted': { ...native, skipConsent: true },
      'public, private scheme, another flow': { ...native, flow: 'device' },
      'confidential, private scheme': { redirectUri: native.redirectUri },
      'confidential, no redirect URI': { redirectUri: null },
    },
  };
  it.each(rowsOf(assured))('[RFC8252 §8.6] %s: no silent repeat: %s', (expected, _, row) =>
    expect(told(STEPS, situation(row))).toBe(expected),
  );

  const answers: Table = {
    'consent missing_scopes': {
      'by somebody else': { answers: answered('eve', 'openid', 'read') },
      'for less': { answers: answered('ada', 'read') },
      'for nothing': { answers: answered('ada') },
      'to another step': { answers: { device: consentGiven } },
      'with null': { answers: { consent: null } },
    },
    done: {
      'for nothing, as was asked': { asked: [], answers: answered('ada') },
      'for all': { answers: consentGiven },
      'for more': { answers: answered('ada', 'write', 'read', 'openid') },
    },
  };
  it.each(rowsOf(answers))(
    '%s: nothing is remembered, and the page was answered %s',
    (expected, _, row) => expect(told(STEPS, situation({ allowed: null, ...row }))).toBe(expected),
  );
  it('counts what is remembered, where less was answered', () => {
    expect(told(STEPS, situation({ answers: answered('ada') }))).toBe('done');
    expect(consentIn(situation({}).interaction)).toBeNull();
    expect(consentIn(situation({ answers: consentGiven }).interaction)?.sub).toBe('ada');
  });
});

describe('next step', () => {
  const step = (name: string, due: Step['due'], more: Partial<Step> = {}): Step => ({
    ...account,
    name,
    due,
    ...more,
  });
  const asks = step('asks', () => ({ because: 'always' }));
  const rests = step('rests', () => null);
  const error = new OAuthError('access_denied', 'never', 'No.');
  const refuses = step('refuses', () => ({ because: 'always', refuse: error }));
  const others = step('others', () => ({ because: 'always' }), { flows: ['device', 'other'] });

  const never = step('never', asks.due, { flows: [] });
  it.each<[flow: string, expected: string, steps: readonly Step[]]>([
    ['authorize', 'refuse always', [refuses, asks]],
    ['authorize', 'asks always', [asks, refuses]],
    ['authorize', 'asks always', [rests, asks]],
    ['authorize', 'asks always', [others, asks]],
    ['device', 'others always', [others, asks]],
    ['other', 'others always', [others, asks]],
    ['authorize', 'done', [never]],
    ['authorize', 'done', [rests, others]],
    ['authorize', 'done', []],
  ])('in the flow %s: %s', (flow, expected, steps) =>
    expect(told(steps, situation({ flow }))).toBe(expected),
  );

  it('never ends without somebody', () => {
    expect(() => nextStep([rests, others], situation(NOBODY))).toThrow();
  });

  it('[OIDC Core §3.1.2.6] each step has the error that prompt=none means', () => {
    expect(STEPS.map(({ name, silentError }) => [name, silentError])).toEqual([
      ['login', 'login_required'],
      ['account', 'account_selection_required'],
      ['consent', 'consent_required'],
    ]);
  });
});
