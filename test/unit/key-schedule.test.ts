/**
 * When signing keys are made, take over, retire and go, as tables: keys and time → what is kept and
 * what is made.
 */
import { describe, expect, it } from 'vitest';
import { dueKeys, type KeyPlan, rotatedKeys } from '../../src/domain/key-schedule.ts';
import type { KeySchedule } from '../../src/domain/settings.ts';
import type { StoredKey } from '../../src/store/records.ts';

const SCHEDULE: KeySchedule = {
  algs: ['RS256', 'ES256'],
  rotateEvery: 1000,
  publishBefore: 100,
  keepAfter: 200,
};

/** Name, algorithm, beginning; end as a signer and end as a published key, if it has ends. */
type Key = readonly [
  kid: string,
  alg: string,
  activeAt: number,
  retiredAt?: number,
  removedAt?: number,
];
type Wish = readonly [alg: string, activeAt: number];
type Row = readonly [
  what: string,
  keys: readonly Key[],
  now: number,
  keep: readonly Key[],
  make: readonly Wish[],
];

/** Only the algorithms that a row names are offered. */
const scheduleOf = (keys: readonly Key[], make: readonly Wish[]): KeySchedule => {
  const named = [...keys.map(([, alg]) => alg), ...make.map(([alg]) => alg), 'RS256'];
  return { ...SCHEDULE, algs: SCHEDULE.algs.filter((alg) => named.includes(alg)) };
};

const stored = ([kid, alg, activeAt, retiredAt, removedAt]: Key): StoredKey =>
  Object.freeze({
    kid,
    alg,
    sealedPrivateJwk: `sealed ${kid}`,
    publicJwk: '{}',
    createdAt: 0,
    activeAt,
    retiredAt: retiredAt ?? null,
    removedAt: removedAt ?? null,
  });
const all = (keys: readonly Key[]): readonly StoredKey[] => Object.freeze(keys.map(stored));
const plan = (keep: readonly Key[], make: readonly Wish[]): KeyPlan => ({
  keep: all(keep),
  make: make.map(([alg, activeAt]) => ({ alg: alg as 'RS256', activeAt })),
});

// Keys that several rows share: the first one, and the pair of a rotation after 1000 seconds.
const FIRST: Key = ['a', 'RS256', 0];
const RETIRING: Key = ['a', 'RS256', 0, 1000, 1200];
const SECOND: Key = ['b', 'RS256', 1000];
const CURVE: Key = ['e', 'ES256', 300];

describe('what is due', () => {
  it.each<Row>([
    [
      'no key at all: one of each algorithm, which sign at once',
      [],
      50,
      [],
      [
        ['RS256', 50],
        ['ES256', 50],
      ],
    ],
    [
      'an algorithm that is offered from now on: its key is published first',
      [CURVE],
      350,
      [CURVE],
      [['RS256', 450]],
    ],
    ['every key is gone', [RETIRING], 1200, [], [['RS256', 1200]]],
    [
      'every key of an algorithm is gone',
      [FIRST, ['e', 'ES256', 0, 100, 300]],
      300,
      [FIRST],
      [['ES256', 400]],
    ],
    ['a current key, just made', [FIRST], 0, [FIRST], []],
    ['one second before a successor is published', [FIRST], 899, [FIRST], []],
    ['a successor is published', [FIRST], 900, [RETIRING], [['RS256', 1000]]],
    [
      'a second late: published for its full time',
      [FIRST],
      901,
      [['a', 'RS256', 0, 1001, 1201]],
      [['RS256', 1001]],
    ],
    [
      'nobody looked for long: still published for its full time',
      [FIRST],
      50_000,
      [['a', 'RS256', 0, 50_100, 50_300]],
      [['RS256', 50_100]],
    ],
    ['a successor is published already', [RETIRING, SECOND], 901, [RETIRING, SECOND], []],
    ['the second before it takes over', [RETIRING, SECOND], 999, [RETIRING, SECOND], []],
    ['it takes over', [RETIRING, SECOND], 1000, [RETIRING, SECOND], []],
    ['whatever the order of keys', [SECOND, RETIRING], 1000, [SECOND, RETIRING], []],
    ['the last second of a retired key', [RETIRING, SECOND], 1199, [RETIRING, SECOND], []],
    ['a retired key goes', [RETIRING, SECOND], 1200, [SECOND], []],
    ['a retired key is long overdue', [RETIRING, SECOND], 1800, [SECOND], []],
    [
      'the next successor; who retired before stays as it was',
      [['a', 'RS256', 0, 1000, 5000], SECOND],
      1900,
      [
        ['a', 'RS256', 0, 1000, 5000],
        ['b', 'RS256', 1000, 2000, 2200],
      ],
      [['RS256', 2000]],
    ],
    [
      'a key goes while another one is due',
      [RETIRING, SECOND],
      1900,
      [['b', 'RS256', 1000, 2000, 2200]],
      [['RS256', 2000]],
    ],
    ['one algorithm of two', [FIRST, CURVE], 900, [RETIRING, CURVE], [['RS256', 1000]]],
    [
      'the other algorithm of two',
      [
        ['a', 'RS256', 500],
        ['e', 'ES256', 0],
      ],
      900,
      [
        ['a', 'RS256', 500],
        ['e', 'ES256', 0, 1000, 1200],
      ],
      [['ES256', 1000]],
    ],
    [
      'both algorithms',
      [FIRST, CURVE],
      1200,
      [
        ['a', 'RS256', 0, 1300, 1500],
        ['e', 'ES256', 300, 1300, 1500],
      ],
      [
        ['RS256', 1300],
        ['ES256', 1300],
      ],
    ],
    [
      'an algorithm that is offered no longer is left alone',
      [FIRST, ['p', 'PS256', 0], ['q', 'PS256', 0, 10, 500]],
      500,
      [FIRST, ['p', 'PS256', 0]],
      [],
    ],
    [
      'an algorithm that is offered no longer has no successor',
      [SECOND, ['p', 'PS256', 0]],
      1500,
      [SECOND, ['p', 'PS256', 0]],
      [],
    ],
  ])('%s', (_, keys, now, keep, make) => {
    expect(dueKeys(all(keys), scheduleOf(keys, make), now)).toEqual(plan(keep, make));
  });

  it('is nothing more once it was done', () => {
    for (const now of [0, 900, 905, 50_000]) {
      const schedule = scheduleOf([FIRST], []);
      const { keep, make } = dueKeys(all([FIRST]), schedule, now);
      const made = make.map(({ alg, activeAt }) => stored(['new', alg, activeAt]));
      const after = [...keep, ...made];
      expect(dueKeys(after, schedule, now)).toEqual({ keep: after, make: [] });
    }
  });
});

describe('a rotation that somebody asked for', () => {
  it.each<Row>([
    ['no key at all', [], 50, [], [['RS256', 150]]],
    ['a current key', [FIRST], 50, [['a', 'RS256', 0, 150, 350]], [['RS256', 150]]],
    [
      'a key that begins this very second',
      [['a', 'RS256', 50]],
      50,
      [['a', 'RS256', 50, 150, 350]],
      [['RS256', 150]],
    ],
    ['a successor begins in a second', [RETIRING, SECOND], 999, [RETIRING, SECOND], []],
    ['a first key that is published only', [SECOND], 950, [SECOND], []],
    [
      'who retired before stays as it was',
      [RETIRING, SECOND],
      1000,
      [RETIRING, ['b', 'RS256', 1000, 1100, 1300]],
      [['RS256', 1100]],
    ],
    [
      'who would retire later retires with the others',
      [['a', 'RS256', 0, 500, 700]],
      50,
      [['a', 'RS256', 0, 150, 350]],
      [['RS256', 150]],
    ],
    [
      'who would retire at that very second',
      [['a', 'RS256', 0, 150, 999]],
      50,
      [['a', 'RS256', 0, 150, 999]],
      [['RS256', 150]],
    ],
    [
      'several algorithms',
      [FIRST, CURVE],
      400,
      [
        ['a', 'RS256', 0, 500, 700],
        ['e', 'ES256', 300, 500, 700],
      ],
      [
        ['RS256', 500],
        ['ES256', 500],
      ],
    ],
    [
      'one algorithm has its successor already',
      [RETIRING, SECOND, CURVE],
      950,
      [RETIRING, SECOND, ['e', 'ES256', 300, 1050, 1250]],
      [['ES256', 1050]],
    ],
    [
      'an algorithm that is offered no longer is left alone',
      [FIRST, ['p', 'PS256', 0]],
      50,
      [
        ['a', 'RS256', 0, 150, 350],
        ['p', 'PS256', 0],
      ],
      [['RS256', 150]],
    ],
    [
      'a key of another algorithm only',
      [CURVE],
      400,
      [['e', 'ES256', 300, 500, 700]],
      [
        ['RS256', 500],
        ['ES256', 500],
      ],
    ],
  ])('ordinary: %s', (_, keys, now, keep, make) => {
    expect(rotatedKeys(all(keys), scheduleOf(keys, make), now, 'scheduled')).toEqual(
      plan(keep, make),
    );
  });

  it.each<readonly [what: string, keys: readonly Key[], now: number, make: readonly Wish[]]>([
    ['no key at all', [], 50, [['RS256', 50]]],
    ['a current key', [FIRST], 50, [['RS256', 50]]],
    ['retired and next keys', [RETIRING, SECOND], 950, [['RS256', 950]]],
    [
      'several algorithms',
      [FIRST, CURVE],
      400,
      [
        ['RS256', 400],
        ['ES256', 400],
      ],
    ],
    ['an algorithm that is offered no longer', [FIRST, ['p', 'PS256', 0]], 50, [['RS256', 50]]],
  ])('emergency: every key goes at once, and new ones sign: %s', (_, keys, now, make) => {
    expect(rotatedKeys(all(keys), scheduleOf(keys, make), now, 'emergency')).toEqual(
      plan([], make),
    );
  });

  it('immediate: the old keys retire now and stay, successors that wait as well', () => {
    const keep: readonly Key[] = [
      ['a', 'RS256', 0, 50, 250],
      ['b', 'RS256', 100, 50, 250],
    ];
    const keys: readonly Key[] = [
      ['a', 'RS256', 0, 100, 300],
      ['b', 'RS256', 100],
    ];
    expect(rotatedKeys(all(keys), ONE_ALG, 50, 'immediate')).toEqual(plan(keep, [['RS256', 50]]));
  });
});

const ONE_ALG: KeySchedule = { ...SCHEDULE, algs: ['RS256'] };

describe('over time', () => {
  it.each([7, 50, 99])('looked at every %i seconds: one key signs, and others know it', (step) => {
    let keys: readonly StoredKey[] = [];
    let made = 0;
    const seen = new Map<string, number>();
    const signed = new Map<string, number>();
    for (let now = 0; now < 10_000; now += step) {
      const due = dueKeys(keys, ONE_ALG, now);
      for (const { kid } of keys.filter(({ kid }) => due.keep.every((key) => key.kid !== kid)))
        expect(now - (signed.get(kid) ?? 0)).toBeGreaterThanOrEqual(ONE_ALG.keepAfter);
      const fresh = due.make.map(({ alg, activeAt }) => stored([`k${made++}`, alg, activeAt]));
      keys = [...due.keep, ...fresh];
      for (const { kid } of fresh) seen.set(kid, now);
      const signing = keys.filter(
        ({ activeAt, retiredAt }) => activeAt <= now && (retiredAt === null || retiredAt > now),
      );
      expect(signing).toHaveLength(1);
      for (const { kid } of signing) {
        signed.set(kid, now);
        if (kid !== 'k0') expect(now - (seen.get(kid) ?? now)).toBeGreaterThanOrEqual(100);
      }
      expect(keys.length).toBeLessThanOrEqual(2);
    }
    expect(made).toBeGreaterThanOrEqual(10);
  });
});
