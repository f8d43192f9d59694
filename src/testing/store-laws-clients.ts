/**
 * Laws about what a client that is disabled or deleted gets: nothing, at once and on every node.
 */
import assert from 'node:assert/strict';
import type { Client, Issue, IssueOutcome, Store } from 'valetkey';
import { extend, issueFreely, nothingFor, redeem, rotate } from './store-acts.ts';
import { CROWD, count, crowd, isLive, type Law } from './store-case.ts';
import { NOW, type SampleFamily, sample, withClient, withFamily, word } from './store-samples.ts';

const idle = NOW + 9;

/** Every kind of issue. Each would be fresh for a client that is registered and enabled. */
const ISSUES: readonly (readonly [
  name: string,
  issue: (store: Store, start: SampleFamily) => Promise<IssueOutcome>,
])[] = [
  [
    'an access token alone',
    async (store, { issue }) =>
      await issueFreely(
        store,
        { ...issue, accessToken: { ...issue.accessToken, digest: word() }, idToken: null },
        null,
      ),
  ],
  [
    'tokens and a family',
    async (store, { facts, authorization }) => {
      const family = sample.family(facts, authorization.id);
      return await issueFreely(store, sample.issue(facts, family.id, authorization.id), family);
    },
  ],
  [
    'for a code',
    async (store, { facts, authorization, session }) => {
      const code = sample.code(facts, authorization.id);
      assert.equal(await store.codes.insert(code, session.handle, null), 'stored');
      const family = sample.family(facts, authorization.id);
      const issue = sample.issue(facts, family.id, authorization.id);
      const outcome = await redeem(store, code.digest, family, issue, NOW);
      const found = await store.codes.find(code.digest);
      assert.equal(found?.code.consumedAt === null, outcome !== 'fresh');
      return outcome;
    },
  ],
  [
    'for a refresh token, which stays',
    async (store, { facts, family }) => {
      const issue = sample.issue(facts, family.id, family.authorizationId);
      return await extend(store, family.id, family.refreshDigest ?? '', idle, issue, NOW);
    },
  ],
  [
    'for a refresh token, without a row',
    async (store, { facts, family }) => {
      const presented = family.refreshDigest ?? '';
      return await extend(store, family.id, presented, idle, nothingFor(facts), NOW);
    },
  ],
  [
    'for a refresh token, which rotates',
    async (store, { facts, family }) => {
      const rotation = {
        familyId: family.id,
        presented: family.refreshDigest ?? '',
        refreshDigest: family.refreshDigest ?? '',
        refreshExpiresAt: idle,
        sealedSuccessor: 's',
      };
      const issue = sample.issue(facts, family.id, family.authorizationId);
      return await rotate(store, rotation, issue, NOW);
    },
  ],
  [
    'for a one-time record',
    async (store, { facts }) => {
      const record = sample.oneTime();
      await store.oneTime.put(record);
      const outcome = await store.tokens.issue(
        {
          ...sample.issue(facts, null, null),
          consumption: { kind: 'one_time_record', record },
          subject: { sub: facts.sub, since: NOW },
          family: null,
        },
        NOW,
      );
      const found = await store.oneTime.find(record);
      assert.equal(found?.consumedAt === null, outcome !== 'fresh');
      return outcome;
    },
  ],
];

/** Stores the client with this state, whatever it was before. */
async function become(store: Store, client: Client, disabledAt: number | null): Promise<void> {
  const before = await store.clients.find(client.clientId);
  const changed = { ...client, disabledAt, version: (before?.version ?? 0) + 1 };
  const stored =
    before === null
      ? await store.clients.insert(changed, null)
      : await store.clients.replace(changed, null);
  assert.equal(stored, true);
}

/** The laws of this file. */
export const CLIENT_LAWS: readonly Law[] = [
  [
    'a disabled or deleted client: its families and access tokens say so at once',
    async (store) => {
      const { facts, family, issue } = await withFamily(store);
      const alone = sample.issue(facts, null, null, { sub: null, sid: null });
      await issueFreely(store, { ...alone, idToken: null }, null);
      const other = await withFamily(store);
      const client = sample.client(facts.clientId);
      const enabled = async (): Promise<unknown[]> => [
        (await store.tokens.findFamily(family.id))?.clientEnabled,
        await isLive(store, issue),
        await isLive(store, alone),
      ];
      for (const disabledAt of [null, NOW, null]) {
        await become(store, client, disabledAt);
        assert.deepEqual(await enabled(), Array(3).fill(disabledAt === null));
      }
      await store.clients.delete(facts.clientId, null);
      assert.deepEqual(await enabled(), Array(3).fill(false));
      // Registered anew, and disabled from the beginning.
      await become(store, client, NOW);
      assert.deepEqual(await enabled(), Array(3).fill(false));
      assert.equal(await isLive(store, other.issue), true);
    },
  ],
  ...ISSUES.map(
    ([name, issue]): Law => [
      `tokens.issue, ${name}: not for a client that is disabled or deleted, and then nothing changes`,
      async (store) => {
        const start = await withFamily(store);
        const { facts, family } = start;
        const client = sample.client(facts.clientId);
        const before = await store.tokens.findFamily(family.id);
        await become(store, client, NOW);
        assert.equal(await issue(store, start), 'client_disabled');
        await become(store, client, null);
        assert.deepEqual(await store.tokens.findFamily(family.id), before);
        assert.equal(await issue(store, start), 'fresh');
        await store.clients.delete(facts.clientId, null);
        assert.notEqual(await issue(store, start), 'fresh');
      },
    ],
  ),
  [
    'tokens.issue: of 100 concurrent calls exactly those of enabled clients are fresh',
    async (store) => {
      const [enabled, disabled] = [await withClient(store), await withClient(store)];
      await become(store, sample.client(disabled.clientId), NOW);
      const unknown = sample.facts();
      const issues = Array.from({ length: CROWD }, (_, index): Issue & { isGood: boolean } => {
        const facts = [enabled, disabled, unknown][index % 3] ?? enabled;
        const { clientId, accessToken } = sample.issue(facts, null, null);
        const nothing = { consumption: null, subject: null, family: null, idToken: null };
        return { ...nothing, clientId, accessToken, isGood: facts === enabled };
      });
      const outcomes = await crowd(
        async (index) => await store.tokens.issue(issues[index] as Issue, NOW),
      );
      assert.deepEqual(
        outcomes,
        issues.map(({ isGood }) => (isGood ? 'fresh' : 'client_disabled')),
      );
      const stored = await crowd(async (index) => {
        const digest = issues[index]?.accessToken?.digest ?? '';
        return (await store.tokens.findAccessToken(digest)) !== null;
      });
      assert.equal(count(stored, true), count(outcomes, 'fresh'));
    },
  ],
];
