/**
 * Laws about what a client gets that was disabled, deleted or changed after the request was judged
 * by it: nothing, at once and on every node.
 */
import assert from 'node:assert/strict';
import type { AccessToken, Client, Issue, Store } from 'valetkey';
import { extend, insertCode, issueFreely, nothingFor, redeem, rotate } from './store-acts.ts';
import { CROWD, count, crowd, isLive, type Law } from './store-case.ts';
import {
  FIRST_PROOF,
  NOW,
  type SampleFamily,
  sample,
  withClient,
  withFamily,
  word,
} from './store-samples.ts';

const IDLE = NOW + 9;

/** The records of a token response, and whether any of them, or of what it consumes, is there. */
interface Attempt {
  /** Resolves to the outcome. */
  issue(): Promise<string>;
  /** Nothing was stored, and nothing was consumed. */
  leftNothing(): Promise<boolean>;
}

type Prepare = (store: Store, start: SampleFamily, clientVersion: number) => Promise<Attempt>;

const isMissing = async (store: Store, token: AccessToken): Promise<boolean> =>
  (await store.tokens.findAccessToken(token.digest)) === null;

/** For the refresh token of the family that is there already. */
const refreshing =
  (
    issue: (
      store: Store,
      start: SampleFamily,
      tokens: ReturnType<typeof sample.issue>,
    ) => Promise<string>,
  ): Prepare =>
  async (store, start, clientVersion) => {
    const { facts, family } = start;
    const tokens = { ...sample.issue(facts, family.id, family.authorizationId), clientVersion };
    const before = await store.tokens.findFamily(family.id);
    return {
      issue: async () => await issue(store, start, tokens),
      async leftNothing() {
        assert.deepEqual((await store.tokens.findFamily(family.id))?.family, before?.family);
        return await isMissing(store, tokens.accessToken);
      },
    };
  };

/** Everything that a client can be given. Each is given to a client that is as it was judged. */
const GIFTS: Readonly<Record<string, Prepare>> = {
  'an access token alone': async (store, { facts }, clientVersion) => {
    const tokens = { ...sample.issue(facts, null, null), clientVersion };
    return {
      issue: async () => await issueFreely(store, { ...tokens, idToken: null }, null),
      leftNothing: async () => await isMissing(store, tokens.accessToken),
    };
  },
  'tokens and a family': async (store, { facts }, clientVersion) => {
    const family = { ...sample.family(facts, word()), authorizationId: null };
    const tokens = { ...sample.issue(facts, family.id, null), clientVersion };
    return {
      issue: async () => await issueFreely(store, tokens, family),
      leftNothing: async () =>
        (await store.tokens.findFamily(family.id)) === null &&
        (await store.tokens.findIdToken(tokens.idToken.jti)) === null &&
        (await isMissing(store, tokens.accessToken)),
    };
  },
  'a code': async (store, { facts, session }, clientVersion) => {
    const code = { ...sample.code(facts, word()), authorizationId: null };
    const record = sample.oneTime();
    await store.oneTime.put(record);
    return {
      async issue() {
        const outcome = await insertCode(store, code, session.handle, record, clientVersion);
        return outcome === 'stored' ? 'fresh' : outcome;
      },
      leftNothing: async () =>
        (await store.codes.find(code.digest)) === null &&
        (await store.oneTime.find(record))?.consumedAt === null,
    };
  },
  'tokens for a code': async (store, { facts, session }, clientVersion) => {
    const code = { ...sample.code(facts, word()), authorizationId: null };
    const now = (await store.clients.find(facts.clientId))?.version;
    assert.equal(await insertCode(store, code, session.handle, null, now), 'stored');
    const family = { ...sample.family(facts, word()), authorizationId: null };
    const tokens = { ...sample.issue(facts, family.id, null), clientVersion };
    return {
      issue: async () => await redeem(store, code.digest, family, tokens, NOW),
      leftNothing: async () =>
        (await store.codes.find(code.digest))?.code.consumedAt === null &&
        (await store.tokens.findFamily(family.id)) === null &&
        (await isMissing(store, tokens.accessToken)),
    };
  },
  'tokens for a refresh token, which stays': refreshing(
    async (store, { family }, tokens) =>
      await extend(store, family.id, family.refreshDigest ?? '', IDLE, tokens, NOW),
  ),
  'tokens without a row for a refresh token': refreshing(
    async (store, { facts, family }, { clientVersion }) => {
      const tokens = { ...nothingFor(facts), clientVersion };
      return await extend(store, family.id, family.refreshDigest ?? '', IDLE, tokens, NOW);
    },
  ),
  'tokens for a refresh token, which rotates': refreshing(async (store, { family }, tokens) => {
    const rotation = {
      familyId: family.id,
      presented: family.refreshDigest ?? '',
      refreshDigest: word(),
      refreshExpiresAt: IDLE,
      sealedSuccessor: 's',
    };
    return await rotate(store, rotation, tokens, NOW);
  }),
  'tokens for a one-time record': async (store, { facts }, clientVersion) => {
    const record = sample.oneTime();
    await store.oneTime.put(record);
    const tokens = { ...sample.issue(facts, null, null), clientVersion };
    const consumption = { kind: 'one_time_record', record } as const;
    const subject = { sub: facts.sub, ...FIRST_PROOF };
    return {
      issue: async () =>
        await store.tokens.issue({ ...tokens, consumption, subject, family: null }, NOW),
      leftNothing: async () =>
        (await store.oneTime.find(record))?.consumedAt === null &&
        (await isMissing(store, tokens.accessToken)),
    };
  },
};

/** What may become of a client of version 1. */
const CHANGES: Readonly<Record<string, (store: Store, client: Client) => Promise<boolean>>> = {
  disabled: async (store, client) =>
    await store.clients.replace({ ...client, version: 2, disabledAt: NOW }, null),
  changed: async (store, client) => await store.clients.replace({ ...client, version: 2 }, null),
  deleted: async (store, { clientId }) => await store.clients.delete(clientId, null),
  'registered anew': async (store, client) =>
    (await store.clients.delete(client.clientId, null)) &&
    (await store.clients.insert({ ...client, version: 700 }, null)),
};

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
      const found = async (): Promise<unknown[]> => [
        (await store.tokens.findFamily(family.id))?.clientVersion,
        await isLive(store, issue),
        await isLive(store, alone),
      ];
      for (const [version, disabledAt] of [null, NOW, null].entries()) {
        if (version > 0)
          await store.clients.replace({ ...client, version: version + 1, disabledAt }, null);
        const expected = disabledAt === null ? [version + 1, true, true] : [null, false, false];
        assert.deepEqual(await found(), expected);
      }
      await store.clients.delete(facts.clientId, null);
      assert.deepEqual(await found(), [null, false, false]);
      // Registered anew, and disabled from the beginning.
      await store.clients.insert({ ...client, disabledAt: NOW }, null);
      assert.deepEqual(await found(), [null, false, false]);
      assert.equal(await isLive(store, other.issue), true);
    },
  ],
  ...Object.entries(GIFTS).map(
    ([gift, prepare]): Law => [
      `tokens.issue, codes.insert: ${gift}, for a client as it was judged`,
      async (store) => {
        const start = await withFamily(store);
        const client = sample.client(start.facts.clientId);
        await store.clients.replace({ ...client, version: 2 }, null);
        const attempt = await prepare(store, start, 2);
        assert.equal(await attempt.issue(), 'fresh');
      },
    ],
  ),
  ...Object.entries(GIFTS).flatMap(([gift, prepare]) =>
    Object.entries(CHANGES).map(
      ([what, change]): Law => [
        `tokens.issue, codes.insert: ${gift}, not for a client that was ${what}, and then nothing changes`,
        async (store) => {
          const start = await withFamily(store);
          const attempt = await prepare(store, start, 1);
          assert.equal(await change(store, sample.client(start.facts.clientId)), true);
          // With the client its authorizations are gone, which is enough to refuse a refresh token.
          const outcome = await attempt.issue();
          assert.match(
            outcome,
            start.family.authorizationId !== null && /refresh/.test(gift)
              ? /^(client_changed|consumed)$/
              : /^client_changed$/,
          );
          assert.equal(await attempt.leftNothing(), true);
        },
      ],
    ),
  ),
  [
    'tokens.issue: of 100 concurrent calls exactly those of unchanged clients are fresh',
    async (store) => {
      const [unchanged, disabled, changed] = [
        await withClient(store),
        await withClient(store),
        await withClient(store),
      ];
      await CHANGES['disabled']?.(store, sample.client(disabled.clientId));
      await CHANGES['changed']?.(store, sample.client(changed.clientId));
      const all = [unchanged, disabled, changed, sample.facts()];
      const issues = Array.from({ length: CROWD }, (_, index): Issue & { isGood: boolean } => {
        const facts = all[index % all.length] ?? unchanged;
        const { clientId, clientVersion, accessToken } = sample.issue(facts, null, null);
        const nothing = { consumption: null, subject: null, family: null, idToken: null };
        const isGood = facts === unchanged;
        return { ...nothing, clientId, clientVersion, accessToken, isGood };
      });
      const outcomes = await crowd(
        async (index) => await store.tokens.issue(issues[index] as Issue, NOW),
      );
      assert.deepEqual(
        outcomes,
        issues.map(({ isGood }) => (isGood ? 'fresh' : 'client_changed')),
      );
      const stored = await crowd(async (index) => {
        const digest = issues[index]?.accessToken?.digest ?? '';
        return (await store.tokens.findAccessToken(digest)) !== null;
      });
      assert.equal(count(stored, true), count(outcomes, 'fresh'));
    },
  ],
];
