/** What a presented refresh token is, as a table: token, family and time → verdict. */
import { sample } from 'valetkey/testing';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/crypto/bytes.ts';
import { formatHandle, newRefreshToken, nextRefreshToken } from '../../src/crypto/handles.ts';
import {
  familyIdOf,
  judge,
  type Successor,
  sealSuccessor,
} from '../../src/domain/refresh-tokens.ts';
import type { Family } from '../../src/store/records.ts';

/** As many bytes of this value as are asked for. */
const bytes =
  (value: number) =>
  (size: number): Uint8Array =>
    new Uint8Array(size).fill(value);
const PART = 'family-part-of-22-char';
const OTHER_PART = 'another-part-22-charac';

const OLDER = newRefreshToken(PART, bytes(1));
const PREVIOUS = nextRefreshToken(OLDER, bytes(2));
const LIVE = nextRefreshToken(PREVIOUS, bytes(3));
const NEVER_ISSUED = nextRefreshToken(LIVE, bytes(4));
const OF_ANOTHER_FAMILY = newRefreshToken(OTHER_PART, bytes(3));

const ROTATED = 1000;
const IDLE_END = 3000;
const END = 5000;
const GRACE = 30;
/** A moment within the grace. */
const SOON = ROTATED + 10;

const SUCCESSOR: Successor = {
  accessToken: 'vkat_x',
  refreshToken: LIVE,
  scopes: ['openid', 'read'],
  issuedAt: ROTATED,
  expiresAt: ROTATED + 900,
  idTokenJti: 'jti',
};
const SEALED = sealSuccessor(PREVIOUS, SUCCESSOR, bytes(5));
/** With another first character of its tag. */
const DAMAGED = `${SEALED.slice(0, 16)}${SEALED[16] === 'A' ? 'B' : 'A'}${SEALED.slice(17)}`;

const FACTS = sample.facts({ sub: 'ada', clientId: 'app', sid: 'sid' });
const FAMILY = sample.family(FACTS, 'authorization', {
  id: sha256(PART),
  createdAt: 0,
  refreshDigest: sha256(LIVE),
  refreshExpiresAt: IDLE_END,
  previousDigest: sha256(PREVIOUS),
  sealedSuccessor: SEALED,
  rotatedAt: ROTATED,
  expiresAt: END,
});

/** What differs from the live token, soon after the rotation that made it. */
interface Row {
  readonly token?: string;
  readonly family?: Partial<Family>;
  /** The authorization was withdrawn. */
  readonly withdrawn?: true;
  /** The client is disabled, or gone. */
  readonly disabled?: true;
  readonly grace?: number;
  readonly now?: number;
}
type Verdict =
  | 'live'
  | 'repeated'
  | 'replayed'
  | 'revoked'
  | 'authorization_withdrawn'
  | 'client_disabled'
  | 'expired';
type Table = Readonly<Partial<Record<Verdict, Readonly<Record<string, Row>>>>>;
const rowsOf = (table: Table): [expected: string, what: string, row: Row][] =>
  Object.entries(table).flatMap(([expected, rows]) =>
    Object.entries(rows).map(([what, row]): [string, string, Row] => [expected, what, row]),
  );

function verdict({
  token = LIVE,
  family,
  withdrawn,
  disabled,
  grace = GRACE,
  now = SOON,
}: Row): string {
  const found = {
    family: { ...FAMILY, ...family },
    authorized: withdrawn !== true,
    clientVersion: disabled === true ? null : 7,
  };
  const presented = judge(token, found, grace, now);
  expect(presented.family).toBe(found.family);
  if (presented.is === 'repeated') expect(presented.successor).toEqual(SUCCESSOR);
  return presented.is === 'dead' ? presented.because : presented.is;
}

describe('a token of a dead family', () => {
  const old = { token: PREVIOUS };
  const dead: Table = {
    revoked: {
      'the live token': { family: { revokedAt: SOON } },
      'the live token, revoked at the epoch': { family: { revokedAt: 0 } },
      'the live token, revoked by a clock ahead': { family: { revokedAt: SOON + 60 } },
      'the previous token within the grace': { ...old, family: { revokedAt: SOON } },
      'an older token': { token: OLDER, family: { revokedAt: SOON } },
      'and withdrawn and expired as well': {
        family: { revokedAt: SOON },
        withdrawn: true,
        now: END,
      },
    },
    authorization_withdrawn: {
      'the live token': { withdrawn: true },
      'the previous token within the grace': { ...old, withdrawn: true },
      'an older token': { token: OLDER, withdrawn: true },
      'and expired as well': { withdrawn: true, now: END },
    },
    client_disabled: {
      'the live token': { disabled: true },
      'the previous token within the grace': { ...old, disabled: true },
      'an older token': { token: OLDER, disabled: true },
      'and expired as well': { disabled: true, now: END },
    },
    expired: {
      'the family ends this very second': { now: END, family: { refreshExpiresAt: END + 1 } },
      'the family ended a second ago': { now: END + 1, family: { refreshExpiresAt: END + 2 } },
      'the previous token, and the family ended': { ...old, family: { expiresAt: SOON } },
      'an older token, and the family ended': { token: OLDER, family: { expiresAt: SOON } },
      'idle from this very second': { now: IDLE_END },
      'idle for a second': { now: IDLE_END + 1 },
      'idle for long, and the family goes on': { now: END - 1 },
      'without an idle end': { family: { refreshExpiresAt: null } },
    },
  };
  it.each(rowsOf(dead))('[RFC6749 §6] %s: %s', (expected, _, row) =>
    expect(verdict(row)).toBe(expected),
  );
});

describe('a token that was replaced', () => {
  const old = { token: PREVIOUS };
  const table: Table = {
    replayed: {
      'the previous token, when the grace ends': { ...old, now: ROTATED + GRACE },
      'the previous token, a second later': { ...old, now: ROTATED + GRACE + 1 },
      'the previous token, long after': { ...old, now: END - 1 },
      'the previous token, and the live one is idle': { ...old, now: IDLE_END },
      'without grace, in the second of the rotation': { ...old, grace: 0, now: ROTATED },
      'without grace, on a node whose clock is behind': { ...old, grace: 0, now: ROTATED - 1 },
      'without grace, a second later': {
        ...old,
        grace: 0,
        now: ROTATED + 1,
      },
      'an older token': { token: OLDER },
      'an older token in the second of the rotation': { token: OLDER, now: ROTATED },
      'a token that was never issued': { token: NEVER_ISSUED },
      'a token of another family': { token: OF_ANOTHER_FAMILY },
      'the live token in another case': { token: LIVE.toLowerCase() },
      'the live token without its end': { token: LIVE.slice(0, -1) },
      'no text at all': { token: '' },
      'the digest of the live token': { token: sha256(LIVE) },
      'the digest of the previous token': { token: sha256(PREVIOUS) },
      'no successor is stored': { ...old, family: { sealedSuccessor: null } },
      'the stored successor is empty': { ...old, family: { sealedSuccessor: '' } },
      'the stored successor is damaged': { ...old, family: { sealedSuccessor: DAMAGED } },
      'the stored successor is cut off': {
        ...old,
        family: { sealedSuccessor: SEALED.slice(0, 30) },
      },
      'the stored successor is that of another token': {
        ...old,
        family: { sealedSuccessor: sealSuccessor(OLDER, SUCCESSOR, bytes(5)) },
      },
      'the stored successor is no seal': { ...old, family: { sealedSuccessor: 'not, a seal' } },
      'no time of rotation': { ...old, family: { rotatedAt: null } },
      'no previous token is known': { ...old, family: { previousDigest: null } },
      'no live token is known': { family: { refreshDigest: null } },
      'the successor was used': {
        ...old,
        family: { previousDigest: sha256(LIVE), refreshDigest: sha256(NEVER_ISSUED) },
      },
    },
    repeated: {
      'in the second of the rotation': { ...old, now: ROTATED },
      'in the last second of the grace': { ...old, now: ROTATED + GRACE - 1 },
      'by a clock behind': { ...old, now: ROTATED - 60 },
      'a grace of one second': { ...old, grace: 1, now: ROTATED },
      'in the last second of the family': { ...old, family: { expiresAt: SOON + 1 } },
    },
  };
  it.each(rowsOf(table))('[RFC9700 §4.14.2] %s: %s', (expected, _, row) =>
    expect(verdict(row)).toBe(expected),
  );
});

describe('the live token', () => {
  it.each<[what: string, row: Row]>([
    ['soon', {}],
    ['after the grace', { now: ROTATED + GRACE }],
    ['without grace', { grace: 0 }],
    ['in its last second before it is idle', { now: IDLE_END - 1 }],
    ['in the last second of its family', { now: END - 1, family: { refreshExpiresAt: END } }],
    [
      'the first of its family',
      { family: { previousDigest: null, sealedSuccessor: null, rotatedAt: null } },
    ],
    ['though the stored successor is damaged', { family: { sealedSuccessor: DAMAGED } }],
  ])('[RFC6749 §6] is live %s', (_, row) => expect(verdict(row)).toBe('live'));

  it('[RFC9700 §4.14.2] its successor is sealed under the token that it replaces alone', () => {
    expect(SEALED).not.toContain('vkrt_');
    expect(Buffer.from(SEALED, 'base64url').toString('latin1')).not.toContain('vkrt_');
    expect(sealSuccessor(LIVE, SUCCESSOR, bytes(5))).not.toBe(SEALED);
  });
});

describe('the family of a token', () => {
  it.each<[what: string, token: string]>([
    ['nothing', ''],
    ['a code', formatHandle('code', 'c'.repeat(65))],
    ['a family part alone', formatHandle('refreshToken', PART)],
    ['a token with a longer part', newRefreshToken(`${PART}x`, bytes(1))],
    ['a wrong checksum', `${LIVE.slice(0, -1)}${LIVE.endsWith('A') ? 'B' : 'A'}`],
    ['white space', ` ${LIVE}`],
  ])('is unknown for %s', (_, token) => expect(familyIdOf(token)).toBeNull());

  it('is the same for all of its tokens, and another for others', () => {
    expect([OLDER, PREVIOUS, LIVE].map(familyIdOf)).toEqual(Array(3).fill(sha256(PART)));
    expect(familyIdOf(OF_ANOTHER_FAMILY)).toBe(sha256(OTHER_PART));
  });
});
