/**
 * Which step comes next, as a table: facts → step and why, refusal, or the end. A row names what
 * differs from a request for which nothing is due.
 */
import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/engine/contracts/step.ts';
import { nextStep } from '../../src/engine/next-step.ts';
import { account } from '../../src/engine/steps/account.ts';
import { consentIn } from '../../src/engine/steps/consent.ts';
import { OAuthError } from '../../src/protocol/errors.ts';
import {
  answered,
  consentGiven,
  FRESH,
  NOBODY,
  rowsOf,
  STEPS,
  situation,
  type Table,
  told,
} from './situations.ts';

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
      'confidential, private scheme, sent an ID token': {
        redirectUri: native.redirectUri,
        artifacts: ['code', 'id_token'],
      },
      'confidential, http, sent an access token': {
        redirectUri: 'http://127.0.0.1:99/cb',
        artifacts: ['token'],
      },
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
      'public, https, sent an ID token': { public: true, artifacts: ['id_token'] },
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
