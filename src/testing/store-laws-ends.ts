/**
 * Laws about ends. Ending a session, an authorization, a client or a subject ends exactly the codes
 * and tokens that depend on it. Each condition of a single use is enough to refuse, even if all
 * others are met. No token outlives a record that it depends on.
 */
import assert from 'node:assert/strict';
import type { Family, Store } from 'valetkey';
import { extend, insertCode, issueFreely, rotate } from './store-acts.ts';
import { isLive, type Law } from './store-case.ts';
import {
  allow,
  type Facts,
  NOW,
  type SampleIssue,
  sample,
  withClient,
  withCode,
  withFamily,
  word,
} from './store-samples.ts';

const consumedAtOf = async (store: Store, digest: string): Promise<number | null | undefined> =>
  (await store.codes.find(digest))?.code.consumedAt;

/** Stores a family with its tokens, without a code. */
async function withFamilyOf(
  store: Store,
  changes: Partial<Family>,
  of?: Facts,
): Promise<{ facts: Facts; family: Family; issue: SampleIssue }> {
  const facts = await withClient(store, of);
  const authorization = await allow(store, sample.authorization(facts));
  const family = sample.family(facts, authorization.id, changes);
  const issue = sample.issue(facts, family.id, authorization.id, { expiresAt: NOW + 10_000 });
  await issueFreely(store, issue, family);
  return { facts, family, issue };
}

/**
 * The outcomes of `extend` and `rotate` for the live refresh token of a family at `now`. It also
 * checks that tokens are stored only with the outcome `fresh`.
 */
async function uses(store: Store, family: Family, now: number): Promise<string[]> {
  const presented = family.refreshDigest ?? '';
  const facts = { ...family, sid: family.sid ?? word() };
  const issues = [1, 2].map(() => sample.issue(facts, family.id, family.authorizationId)) as [
    SampleIssue,
    SampleIssue,
  ];
  const wish = {
    familyId: family.id,
    presented,
    refreshDigest: word(),
    refreshExpiresAt: NOW + 5000,
    sealedSuccessor: 's',
  };
  const outcomes = [
    await extend(store, family.id, presented, family.refreshExpiresAt ?? 0, issues[0], now),
    await rotate(store, wish, issues[1], now),
  ];
  for (const [index, outcome] of outcomes.entries()) {
    const found = await store.tokens.findAccessToken(issues[index]?.accessToken.digest ?? '');
    assert.equal(found !== null, outcome === 'fresh');
  }
  return outcomes;
}

/** Families with one reason to refuse their refresh token, and no other. */
const OBSTACLES: readonly (readonly [
  name: string,
  changes: Partial<Family>,
  now: number,
  spoil: (store: Store, family: Family) => unknown,
])[] = [
  ['its absolute end', { expiresAt: NOW + 10, refreshExpiresAt: NOW + 1000 }, NOW + 10, () => null],
  ['its idle end', { expiresAt: NOW + 1000, refreshExpiresAt: NOW + 10 }, NOW + 10, () => null],
  ['an idle end that was never set', { refreshExpiresAt: null }, NOW, () => null],
  [
    'its end, set',
    {},
    NOW,
    async (store, { id }) => assert.equal(await store.tokens.revokeFamily(id, NOW, null), true),
  ],
  [
    'its authorization, gone',
    {},
    NOW,
    async (store, { clientId }) => {
      assert.equal(await store.clients.delete(clientId, null), true);
      await store.clients.insert(sample.client(clientId), null);
    },
  ],
];

/** The laws of this file. */
export const END_LAWS: readonly Law[] = [
  [
    'rotate, extend: the second before an end is in time',
    async (store) => {
      for (const changes of [
        { expiresAt: NOW + 10, refreshExpiresAt: NOW + 1000 },
        { expiresAt: NOW + 1000, refreshExpiresAt: NOW + 10 },
      ]) {
        const { family } = await withFamilyOf(store, changes);
        assert.deepEqual(await uses(store, family, NOW + 9), ['fresh', 'fresh']);
      }
    },
  ],
  ...OBSTACLES.map(
    ([name, changes, now, spoil]): Law => [
      `rotate, extend: ${name} is enough to refuse`,
      async (store) => {
        const { family } = await withFamilyOf(store, changes);
        const bystander = await withFamilyOf(store, {});
        await store.clients.insert(sample.client(family.clientId), null);
        await spoil(store, family);
        assert.deepEqual(await uses(store, family, now), ['consumed', 'consumed']);
        assert.deepEqual(await uses(store, bystander.family, now), ['fresh', 'fresh']);
      },
    ],
  ),
  [
    'rotate, extend: another token than the live one, or the live one of another family, is consumed',
    async (store) => {
      const [one, two] = [await withFamilyOf(store, {}), await withFamilyOf(store, {})];
      const mixed = { ...one.family, refreshDigest: two.family.refreshDigest };
      assert.deepEqual(await uses(store, mixed, NOW), ['consumed', 'consumed']);
      assert.deepEqual(await uses(store, { ...one.family, refreshDigest: word() }, NOW), [
        'consumed',
        'consumed',
      ]);
      assert.deepEqual(await uses(store, one.family, NOW), ['fresh', 'fresh']);
    },
  ],
  [
    'authorizations.revoke: another client’s code and tokens of the same person and session stay',
    async (store) => {
      const mine = await withFamily(store);
      const { sub, sid } = mine.facts;
      const other = await withCode(store, { sub, sid });
      const family = await withFamilyOf(store, {}, other.facts);
      assert.equal(await store.authorizations.revoke(mine.authorization, NOW, null), true);
      assert.deepEqual(
        [
          await isLive(store, mine.issue),
          await consumedAtOf(store, other.code.digest),
          await isLive(store, family.issue),
        ],
        [false, null, true],
      );
      assert.deepEqual(await uses(store, family.family, NOW), ['fresh', 'fresh']);
    },
  ],
  [
    'sessions.end: a code of another session of the same person stays',
    async (store) => {
      const here = await withCode(store);
      const there = await withCode(store, { sub: here.facts.sub });
      assert.equal(await store.sessions.end(here.session, NOW + 1, true, null), true);
      assert.deepEqual(
        [await consumedAtOf(store, here.code.digest), await consumedAtOf(store, there.code.digest)],
        [NOW + 1, null],
      );
    },
  ],
  [
    'tokens.revokeSubject, clients.delete: what others have, and what else was allowed, stays',
    async (store) => {
      const mine = await withCode(store);
      const others = await withCode(store);
      const other = await withClient(store, { sub: mine.facts.sub });
      const elsewhere = await allow(store, sample.authorization(other), mine.session);
      assert.equal((await store.tokens.revokeSubject(mine.facts.sub, NOW + 1, null)).families, 0);
      assert.deepEqual(
        [
          await consumedAtOf(store, mine.code.digest),
          await consumedAtOf(store, others.code.digest),
        ],
        [NOW + 1, null],
      );
      assert.deepEqual(await store.sessions.listBySubject(others.facts.sub), [others.session]);
      await store.clients.insert(sample.client(mine.facts.clientId), null);
      assert.equal(await store.clients.delete(mine.facts.clientId, null), true);
      assert.deepEqual(await store.authorizations.listBySubject(mine.facts.sub), [elsewhere]);
      assert.deepEqual(await store.authorizations.listBySubject(others.facts.sub), [
        others.authorization,
      ]);
    },
  ],
  [
    'what ends leaves the time alone at which codes were used and families ended before',
    async (store) => {
      const ends: ((made: Awaited<ReturnType<typeof withFamily>>) => Promise<unknown>)[] = [
        async ({ session }) => await store.sessions.end(session, NOW + 7, true, null),
        async ({ authorization }) =>
          await store.authorizations.revoke(authorization, NOW + 7, null),
        async ({ facts }) =>
          assert.equal((await store.tokens.revokeSubject(facts.sub, NOW + 7, null)).families, 0),
      ];
      for (const end of ends) {
        const made = await withFamily(store);
        assert.equal(await store.tokens.revokeFamily(made.family.id, NOW + 1, null), true);
        assert.equal(await store.tokens.revokeFamily(made.family.id, NOW + 2, null), false);
        await end(made);
        assert.equal((await store.tokens.findFamily(made.family.id))?.family.revokedAt, NOW + 1);
        const code = (await store.codes.find(made.code.digest))?.code;
        assert.deepEqual([code?.consumedAt, code?.familyId], [NOW, made.family.id]);
      }
    },
  ],
  [
    'findAccessToken: a token is dead when its family is gone, and when its authorization is',
    async (store) => {
      const short = await withFamilyOf(store, { expiresAt: NOW + 10 });
      assert.equal(await isLive(store, short.issue), true);
      assert.equal((await store.clear(NOW + 10, 100, 0)).families, 1);
      assert.equal(await store.tokens.findFamily(short.family.id), null);
      assert.equal(await isLive(store, short.issue), false);
      const left = await withFamilyOf(store, {});
      assert.equal(await store.clients.delete(left.facts.clientId, null), true);
      const found = await store.tokens.findFamily(left.family.id);
      assert.deepEqual(
        [found?.authorized, found?.family.revokedAt, await isLive(store, left.issue)],
        [false, null, false],
      );
    },
  ],
  [
    'codes.find: a code is not authorized when its authorization is gone, and may be when it has none',
    async (store) => {
      const { facts, code, session } = await withCode(store);
      assert.equal((await store.codes.find(code.digest))?.authorized, true);
      await store.clients.delete(facts.clientId, null);
      assert.equal((await store.codes.find(code.digest))?.authorized, false);
      await store.clients.insert(sample.client(facts.clientId), null);
      const free = { ...sample.code(facts, word()), authorizationId: null };
      assert.equal(await insertCode(store, free, session.handle, null), 'stored');
      assert.deepEqual(await store.codes.find(free.digest), { code: free, authorized: true });
    },
  ],
  [
    'clear: a code stays for 600 seconds after its end, and its replay is recognised so long',
    async (store) => {
      const { code, family } = await withFamily(store);
      const end = code.expiresAt + 600;
      assert.equal((await store.clear(end - 1, 100, 0)).codes, 0);
      const kept = await store.codes.find(code.digest);
      assert.deepEqual([kept?.code.consumedAt, kept?.code.familyId], [NOW, family.id]);
      assert.equal((await store.clear(end, 100, 0)).codes, 1);
      assert.equal(await store.codes.find(code.digest), null);
    },
  ],
];
