/**
 * Laws about records of other kinds: clients, key sets, counters and the audit log. Also the laws
 * about the cleaner and about the separation of issuers, for which `store-laws-twins.ts` has more.
 */
import assert from 'node:assert/strict';
import type { AuditEvent, ClearedCounts, Store } from 'valetkey';
import { issueFreely } from './store-acts.ts';
import { CROWD, count, crowd, isLive, type Law } from './store-case.ts';
import { NOW, sample, withFamily, word } from './store-samples.ts';

/** The laws of this file. */
export const RECORD_LAWS: readonly Law[] = [
  [
    'clients: one insert wins, one change of a version wins, replace and delete need a record, list is in order',
    async (store) => {
      const client = sample.client('b');
      assert.equal(
        count(await crowd(async () => await store.clients.insert(client, null)), true),
        1,
      );
      assert.deepEqual(await store.clients.find('b'), client);
      await store.clients.insert({ ...sample.client('a'), owner: 'me' }, null);
      await store.clients.insert(sample.client('c'), null);
      assert.deepEqual(
        (await store.clients.list({ limit: 2 })).map(({ clientId }) => clientId),
        ['a', 'b'],
      );
      assert.deepEqual(
        (await store.clients.list({ after: 'b', limit: 2 })).map(({ clientId }) => clientId),
        ['c'],
      );
      assert.deepEqual(
        (await store.clients.list({ limit: 9, owner: 'me' })).map(({ clientId }) => clientId),
        ['a'],
      );
      assert.deepEqual(
        [
          await store.clients.replace({ ...client, version: 3 }, null),
          await store.clients.replace({ ...sample.client('x'), version: 2 }, null),
        ],
        [false, false],
      );
      const changes = await crowd(
        async () => await store.clients.replace({ ...client, name: 'new', version: 2 }, null),
      );
      assert.equal(count(changes, true), 1);
      assert.equal((await store.clients.find('b'))?.name, 'new');
      assert.equal(await store.clients.find('B'), null);
      const { issue, facts } = await withFamily(store, { clientId: 'b' });
      assert.deepEqual(
        [await store.clients.delete('b', null), await store.clients.delete('b', null)],
        [true, false],
      );
      assert.equal(await isLive(store, issue), false);
      assert.equal(await store.authorizations.find(facts.sub, 'b'), null);
    },
  ],
  [
    'keys.swap: of 100 concurrent swaps exactly one wins, first and later',
    async (store) => {
      const key = {
        kid: 'k',
        alg: 'ES256',
        sealedPrivateJwk: 'x',
        publicJwk: '{}',
        createdAt: NOW,
        activeAt: NOW,
        retiredAt: null,
        removedAt: null,
      };
      assert.equal(await store.keys.load(), null);
      assert.equal(
        count(
          await crowd(
            async (index) => await store.keys.swap(0, [{ ...key, kid: String(index) }], null),
          ),
          true,
        ),
        1,
      );
      assert.equal(count(await crowd(async () => await store.keys.swap(1, [key], null)), true), 1);
      assert.deepEqual(await store.keys.load(), { version: 2, keys: [key] });
      assert.equal(await store.keys.swap(1, [], null), false);
    },
  ],
  [
    'counters: each of 100 concurrent hits sees another count; a window that is over begins again',
    async (store) => {
      const hits = await crowd(async () => await store.counters.hit('login alice', 60, NOW));
      assert.deepEqual(new Set(hits.map(({ count: seen }) => seen)).size, CROWD);
      assert.deepEqual(new Set(hits.map(({ resetAt }) => resetAt)), new Set([NOW + 60]));
      assert.deepEqual(await store.counters.hit('login alice', 60, NOW + 60), {
        count: 1,
        resetAt: NOW + 120,
      });
    },
  ],
  [
    'counters: a window that a clock began which was hours ahead is over; one of a minute ahead is not',
    async (store) => {
      const limit = { limit: 1, seconds: 60, life: 1000 };
      for (const ahead of [7200, 50]) {
        await store.counters.hit(`calls ${ahead}`, 60, NOW + ahead);
        await store.counters.place(`login ${ahead}`, limit, NOW + ahead);
      }
      assert.deepEqual(await store.counters.hit('calls 7200', 60, NOW), {
        count: 1,
        resetAt: NOW + 60,
      });
      assert.equal((await store.counters.hit('calls 50', 60, NOW)).count, 2);
      assert.equal(await store.counters.place('login 7200', limit, NOW), null);
      assert.notEqual(await store.counters.place('login 50', limit, NOW), null);
    },
  ],
  [
    'counters.place: of 100 concurrent attempts as many are placed as the limit says; first and later',
    async (store) => {
      const limit = { limit: 5, seconds: 60, life: 20 };
      const place = async (now: number) => await store.counters.place('login alice', limit, now);
      assert.equal(count(await crowd(async () => await place(NOW)), null), 5);
      assert.deepEqual(await place(NOW + 1), { wrong: 0, resetAt: NOW + 60 });
      for (const outcome of ['wrong', 'wrong', 'uncounted'] as const)
        await store.counters.settle('login alice', outcome);
      assert.equal(count(await crowd(async () => await place(NOW + 2)), null), 1);
      assert.deepEqual(await place(NOW + 21), { wrong: 2, resetAt: NOW + 60 });
      // The window is over, and begins again with no wrong one.
      assert.equal(count(await crowd(async () => await place(NOW + 60)), null), 5);
      assert.deepEqual(await place(NOW + 61), { wrong: 0, resetAt: NOW + 120 });
    },
  ],
  [
    'counters.place: places of a process that ended are free after their life, wrong attempts are not',
    async (store) => {
      const limit = { limit: 5, seconds: 600, life: 20 };
      const place = async (now: number) => await store.counters.place('login', limit, now);
      for (let taken = 0; taken < 5; taken += 1) await place(NOW);
      await store.counters.settle('login', 'wrong');
      // Who is refused makes no place last longer.
      assert.deepEqual(await place(NOW + 19), { wrong: 1, resetAt: NOW + 600 });
      assert.equal(count(await crowd(async () => await place(NOW + 20)), null), 4);
      for (let ended = 0; ended < 4; ended += 1) await store.counters.settle('login', 'wrong');
      // One whose place ended before it did counts all the same.
      await store.counters.settle('login', 'wrong');
      assert.deepEqual(await place(NOW + 400), { wrong: 6, resetAt: NOW + 600 });
    },
  ],
  [
    'counters.settle: each of 100 concurrent outcomes counts; a right one forgives what was wrong, not what is under way',
    async (store) => {
      const limit = { limit: CROWD, seconds: 60, life: 20 };
      const place = async () => await store.counters.place('login', limit, NOW);
      await store.counters.settle('login', 'wrong');
      await crowd(place);
      await crowd(async () => await store.counters.settle('login', 'wrong'));
      assert.deepEqual(await place(), { wrong: CROWD, resetAt: NOW + 60 });
      await store.counters.settle('login', 'right');
      const free = await crowd(place);
      assert.equal(count(free, null), CROWD);
      await crowd(async (index) =>
        index < 7 ? await store.counters.settle('login', 'wrong') : null,
      );
      await store.counters.settle('login', 'right');
      // 92 are under way; the seven wrong ones are forgiven.
      assert.equal(count(await crowd(place), null), 8);
      await crowd(async () => await store.counters.settle('login', 'uncounted'));
      await store.counters.settle('login', 'uncounted');
      assert.equal(count(await crowd(place), null), CROWD);
    },
  ],
  [
    'counters.find, forgive: the wrong attempts, and not those under way',
    async (store) => {
      const limit = { limit: 10, seconds: 60, life: 20 };
      assert.equal(await store.counters.find('login'), null);
      await store.counters.forgive('login');
      for (let attempt = 0; attempt < 5; attempt += 1)
        await store.counters.place('login', limit, NOW);
      for (let attempt = 0; attempt < 3; attempt += 1)
        await store.counters.settle('login', 'wrong');
      assert.deepEqual(await store.counters.find('login'), { wrong: 3, resetAt: NOW + 60 });
      await store.counters.forgive('login');
      assert.deepEqual(await store.counters.find('login'), { wrong: 0, resetAt: NOW + 60 });
      // Two are under way, so eight places are left.
      const placed = await crowd(async () => await store.counters.place('login', limit, NOW));
      assert.equal(count(placed, null), 8);
    },
  ],
  [
    'audit: newest first, filtered by what is asked for',
    async (store) => {
      const event = (at: number, type: string): AuditEvent =>
        sample.auditEvent({ at, type, sub: 's', detail: { n: at, yes: true } });
      const events = [event(1, 'a'), event(2, 'b'), event(3, 'a')];
      await store.audit.append(events);
      await store.audit.append([]);
      assert.deepEqual(await store.audit.list({ limit: 2 }), [events[2], events[1]]);
      assert.deepEqual(
        (await store.audit.list({ limit: 9, type: 'a' })).map(({ at }) => at),
        [3, 1],
      );
      const about = [
        event(4, 'a'),
        { ...event(5, 'a'), sub: 'x' },
        { ...event(6, 'a'), clientId: 'c' },
        { ...event(7, 'b'), clientId: 'c' },
      ];
      await store.audit.append(about);
      const found = async (
        query: Omit<Parameters<Store['audit']['list']>[0], 'limit'>,
      ): Promise<number[]> => (await store.audit.list({ limit: 9, ...query })).map(({ at }) => at);
      assert.deepEqual(
        [await found({ sub: 'x' }), await found({ clientId: 'c' }), await found({ clientId: 'd' })],
        [[5], [7, 6], []],
      );
      assert.deepEqual(await found({ sub: 's', clientId: 'c', type: 'a' }), [6]);
    },
  ],
  [
    'clear: bounded, and changes no answer that was still to be given',
    async (store) => {
      const made = await withFamily(store);
      const lone = sample.issue(made.facts, null, null, { expiresAt: NOW + 5 });
      await issueFreely(store, { ...lone, idToken: null }, null);
      const nothing = {
        codes: 0,
        accessTokens: 0,
        families: 0,
        idTokens: 0,
        sessions: 0,
        sessionClients: 0,
        oneTimeRecords: 0,
        counters: 0,
        initialAccessTokens: 0,
        audit: 0,
      };
      const clear = async (now: number, batch: number, auditFrom = 0): Promise<ClearedCounts> =>
        await store.clear(now, batch, auditFrom);
      assert.deepEqual(await clear(NOW, 10), nothing);
      assert.equal((await clear(NOW + 5, 10)).accessTokens, 1);
      for (let index = 0; index < 5; index += 1)
        await issueFreely(
          store,
          { ...sample.issue(made.facts, null, null, { expiresAt: NOW + 6 }), idToken: null },
          null,
        );
      assert.equal((await clear(NOW + 6, 3)).accessTokens, 3);
      assert.equal((await clear(NOW + 6, 3)).accessTokens, 2);
      assert.equal(await isLive(store, made.issue), true);
      assert.notEqual(await store.codes.find(made.code.digest), null);
      const all = await clear(NOW + 10_000, 100);
      assert.deepEqual(all, {
        ...nothing,
        codes: 1,
        accessTokens: 1,
        families: 1,
        idTokens: 1,
        sessions: 1,
      });
      const lines = [10, 20, 30].map((at) => ({
        id: word(),
        at,
        type: 'x',
        sub: null,
        clientId: null,
        ip: null,
        requestId: null,
        reason: null,
        detail: {},
      }));
      await store.audit.append(lines);
      assert.deepEqual(await clear(0, 100, 20), { ...nothing, audit: 1 });
      assert.deepEqual(
        (await store.audit.list({ limit: 9 })).map(({ at }) => at),
        [30, 20],
      );
    },
  ],
  [
    'two issuers never meet',
    async (store, database) => {
      const other = database.forIssuer(`https://${word()}.example`);
      const made = await withFamily(store);
      await store.clients.insert(sample.client('shared'), null);
      assert.deepEqual(
        [
          await other.clients.find('shared'),
          await other.sessions.find(made.session.handle),
          await other.codes.find(made.code.digest),
          await other.tokens.findFamily(made.family.id),
          await other.tokens.findAccessToken(made.issue.accessToken.digest),
          await other.authorizations.find(made.facts.sub, made.facts.clientId),
          await other.keys.load(),
        ],
        [null, null, null, null, null, null, null],
      );
      assert.deepEqual(
        [
          await other.sessions.end(made.session, NOW, true, null),
          await other.tokens.revokeSubject(made.facts.sub, NOW, null),
          await other.tokens.revokeFamily(made.family.id, NOW, null),
          await other.authorizations.revoke(made.authorization, NOW, null),
        ],
        [false, { families: 0, sessions: [] }, false, false],
      );
      assert.equal(await other.clients.insert(sample.client('shared'), null), true);
      await other.clear(NOW + 10_000, 100, NOW + 10_000);
      assert.equal(await isLive(store, made.issue), true);
    },
  ],
];
