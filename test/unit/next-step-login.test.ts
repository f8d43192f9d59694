/** When the login is the next step, as tables. */
import { describe, expect, it } from 'vitest';
import { nextStep } from '../../src/engine/next-step.ts';
import {
  consentGiven,
  EARLIER,
  FRESH,
  HOST,
  NOBODY,
  NOW,
  rowsOf,
  STARTED,
  STEPS,
  situation,
  type Table,
  told,
} from './situations.ts';

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

  const mfa = { contexts: ['mfa', 'hw'] };
  const demands: Table = {
    'login other_subject': { 'another subject': { demands: [{ subject: 'eve' }] } },
    'refuse other_subject': { 'another subject, now': { ...FRESH, demands: [{ subject: 'eve' }] } },
    'login acr': {
      'a context that a login can reach': { demands: [{ ...mfa, reachable: true }] },
      'and is essential': { demands: [{ ...mfa, reachable: true, essential: true }] },
      'and another was reached': { acr: 'pwd', demands: [{ ...mfa, reachable: true }] },
      'of the second demand': { demands: [{ subject: 'ada' }, { ...mfa, reachable: true }] },
    },
    'refuse acr': {
      'essential, and no login can reach it': { demands: [{ ...mfa, essential: true }] },
      'essential, and not reached': {
        ...FRESH,
        acr: 'pwd',
        demands: [{ ...mfa, reachable: true, essential: true }],
      },
    },
    done: {
      'the very subject': { demands: [{ subject: 'ada' }] },
      'a context that was reached': { acr: 'hw', demands: [{ ...mfa, essential: true }] },
      'not reached, and not essential': { ...FRESH, demands: [{ ...mfa, reachable: true }] },
      'not reachable, and not essential': { acr: 'pwd', demands: [mfa] },
    },
  };
  it.each(rowsOf(demands))('[OIDC Core §5.5.1] %s: %s', (expected, _, row) =>
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
