/** Laws about clients of sessions, and about what they have to be told. */
import assert from 'node:assert/strict';
import type { Delivery, Session, Store } from 'valetkey';
import { count, crowd, type Law } from './store-case.ts';
import { FIRST_PROOF, NOW, proofIn, sample, word } from './store-samples.ts';

/** A session that just started. */
async function started(
  store: Store,
  changes: Parameters<typeof sample.facts>[0] = {},
): Promise<Session> {
  const session = sample.session(sample.facts(changes));
  assert.equal(await store.sessions.start(session, null, FIRST_PROOF), 'started');
  return session;
}

/** A delivery that waits, of a session that ended. */
async function waiting(store: Store): Promise<Session> {
  const session = await started(store);
  assert.equal(await store.sessions.join(session, 'app', true), true);
  assert.equal(await store.sessions.end(session, NOW, true, null), true);
  return session;
}

const told = ({ kind, about, clientId, sub }: Delivery): string[] => [kind, about, clientId, sub];

/** The laws of this file. */
export const DELIVERY_LAWS: readonly Law[] = [
  [
    'sessions.join: clients of a session are listed once, in order, and only of a session that stands',
    async (store, database) => {
      const session = await started(store);
      for (const client of ['b', 'a', 'b'])
        assert.equal(await store.sessions.join(session, client, true), true);
      assert.deepEqual(await store.sessions.clients(session.sid), ['a', 'b']);
      assert.deepEqual(await store.sessions.clients(word()), []);
      const other = database.forIssuer('https://other.example');
      assert.deepEqual(await other.sessions.clients(session.sid), []);
      assert.equal(await store.sessions.join({ ...session, handle: word() }, 'c', true), false);
      assert.equal(await store.sessions.join({ ...session, sid: word() }, 'c', true), false);
      await store.sessions.end(session, NOW, true, null);
      assert.equal(await store.sessions.join(session, 'c', true), false);
      assert.deepEqual(await store.sessions.clients(session.sid), []);
    },
  ],
  [
    'sessions.end: makes a delivery for each client that wants to be told, once',
    async (store) => {
      const session = await started(store);
      const elsewhere = await started(store);
      await store.sessions.join(session, 'told', true);
      await store.sessions.join(session, 'also told', true);
      await store.sessions.join(session, 'not told', false);
      await store.sessions.join(elsewhere, 'told', true);
      assert.equal(await store.deliveries.nextDue(), null);
      const ended = await crowd(async () => await store.sessions.end(session, NOW, false, null));
      assert.equal(count(ended, true), 1);
      assert.equal(await store.deliveries.nextDue(), NOW);
      const claimed = await store.deliveries.claim(NOW, 10, NOW + 30);
      const { sid, sub } = session;
      assert.deepEqual(claimed.map(told).sort(), [
        ['session_ended', sid, 'also told', sub],
        ['session_ended', sid, 'told', sub],
      ]);
      assert.deepEqual([claimed[0]?.createdAt, claimed[0]?.attempts], [NOW, 1]);
    },
  ],
  [
    'tokens.revokeSubject: makes a delivery for each client of each session',
    async (store) => {
      const first = await started(store);
      const second = await started(store, { sub: first.sub });
      const elsewhere = await started(store);
      for (const session of [first, second, elsewhere])
        await store.sessions.join(session, 'app', true);
      await store.tokens.revokeSubject(first.sub, NOW, null);
      const claimed = await store.deliveries.claim(NOW, 10, NOW + 30);
      assert.deepEqual(claimed.map(({ about }) => about).sort(), [first.sid, second.sid].sort());
      assert.deepEqual(await store.sessions.clients(elsewhere.sid), ['app']);
    },
  ],
  [
    'sessions.start: in place of a session with another sid tells its clients, with the same sid not',
    async (store) => {
      for (const [sid, told] of [
        [null, 1],
        ['same', 0],
      ] as const) {
        const first = await started(store);
        await store.sessions.join(first, 'app', true);
        const facts = sample.facts({ sub: first.sub, ...(sid === null ? {} : { sid: first.sid }) });
        const second = sample.session(facts);
        const proof = await proofIn(store);
        assert.equal(await store.sessions.start(second, first.handle, proof), 'started');
        const claimed = await store.deliveries.claim(second.createdAt, 10, NOW + 90);
        assert.equal(claimed.filter(({ about }) => about === first.sid).length, told);
        assert.equal((await store.sessions.clients(first.sid)).length, 1 - told);
      }
    },
  ],
  [
    'sessions.join: what a client wants is what it wanted last',
    async (store) => {
      const session = await started(store);
      for (const [client, before] of [
        ['now', false],
        ['not any more', true],
      ] as const) {
        await store.sessions.join(session, client, before);
        assert.equal(await store.sessions.join(session, client, !before), true);
      }
      await store.sessions.end(session, NOW, true, null);
      const claimed = await store.deliveries.claim(NOW, 10, NOW + 30);
      assert.deepEqual(
        claimed.map(({ clientId }) => clientId),
        ['now'],
      );
    },
  ],
  [
    'sessions.start: clients of a session that goes on are there as long as it is',
    async (store) => {
      const first = await started(store);
      await store.sessions.join(first, 'app', true);
      const facts = sample.facts({ sub: first.sub, sid: first.sid });
      const second = sample.session(facts, { expiresAt: first.expiresAt + 100 });
      const proof = await proofIn(store);
      assert.equal(await store.sessions.start(second, first.handle, proof), 'started');
      assert.equal((await store.clear(second.expiresAt - 1, 10, 0)).sessionClients, 0);
      assert.deepEqual(await store.sessions.clients(first.sid), ['app']);
    },
  ],
  [
    'clients.delete: who is gone takes part in no session, and nothing waits to be told to it',
    async (store, database) => {
      const client = sample.client(word());
      await store.clients.insert(client, null);
      const [ended, stands] = [await started(store), await started(store)];
      const other = database.forIssuer('https://other.example');
      const elsewhere = await started(other);
      for (const [of, session] of [
        [store, ended],
        [store, stands],
        [other, elsewhere],
      ] as const)
        for (const clientId of [client.clientId, 'app'])
          assert.equal(await of.sessions.join(session, clientId, true), true);
      await store.sessions.end(ended, NOW, true, null);
      assert.equal(await store.clients.delete(client.clientId, null), true);
      assert.deepEqual(await store.sessions.clients(stands.sid), ['app']);
      assert.equal((await other.sessions.clients(elsewhere.sid)).length, 2);
      const claimed = await store.deliveries.claim(NOW, 10, NOW + 30);
      assert.deepEqual(
        claimed.map(({ clientId }) => clientId),
        ['app'],
      );
    },
  ],
  [
    'sessions.join against sessions.end: who joined is told, and who is not told did not join',
    async (store) => {
      for (let turn = 0; turn < 10; turn += 1) {
        const session = await started(store);
        const joins = Array.from({ length: 10 }, async (_, index) => {
          const joined = await store.sessions.join(session, `app ${index}`, true);
          return joined ? [`app ${index}`] : [];
        });
        const [joined] = await Promise.all([
          Promise.all(joins),
          store.sessions.end(session, NOW, true, null),
        ]);
        const claimed = await store.deliveries.claim(NOW, 100, NOW + 30);
        const of = claimed.filter(({ about }) => about === session.sid);
        assert.deepEqual(of.map(({ clientId }) => clientId).sort(), joined.flat().sort());
      }
    },
  ],
  [
    'deliveries.claim: of 100 callers exactly one takes a delivery, until its lease ends',
    async (store) => {
      await waiting(store);
      assert.deepEqual(await store.deliveries.claim(NOW - 1, 10, NOW + 30), []);
      const claims = await crowd(async () => await store.deliveries.claim(NOW, 1, NOW + 30));
      assert.equal(claims.flat().length, 1);
      assert.equal(await store.deliveries.nextDue(), NOW + 30);
      assert.deepEqual(await store.deliveries.claim(NOW + 29, 10, NOW + 60), []);
      const again = await store.deliveries.claim(NOW + 30, 10, NOW + 60);
      assert.deepEqual(
        again.map(({ attempts }) => attempts),
        [2],
      );
    },
  ],
  [
    'deliveries.claim: at most so many, the oldest first, and each of many once',
    async (store) => {
      for (let index = 0; index < 30; index += 1) {
        const session = await started(store);
        await store.sessions.join(session, 'app', true);
        await store.sessions.end(session, NOW + (index % 3), true, null);
      }
      assert.equal((await store.deliveries.claim(NOW, 100, NOW + 90)).length, 10);
      const some = await store.deliveries.claim(NOW + 2, 5, NOW + 90);
      assert.deepEqual(
        some.map(({ createdAt }) => createdAt),
        Array(5).fill(NOW + 1),
      );
      const keys: string[] = [];
      while (((await store.deliveries.nextDue()) ?? 0) < NOW + 90) {
        const more = await crowd(async () => await store.deliveries.claim(NOW + 2, 3, NOW + 90));
        keys.push(...more.flat().map(({ about }) => about));
      }
      assert.deepEqual([keys.length, new Set(keys).size], [15, 15]);
    },
  ],
  [
    'deliveries.finish and postpone: only by who holds the delivery',
    async (store) => {
      await waiting(store);
      const [first] = await store.deliveries.claim(NOW, 1, NOW + 30);
      assert.ok(first);
      assert.equal(await store.deliveries.postpone(first, NOW + 10), true);
      assert.equal(await store.deliveries.nextDue(), NOW + 10);
      const [second] = await store.deliveries.claim(NOW + 10, 1, NOW + 40);
      assert.ok(second);
      assert.equal(await store.deliveries.finish(first), false);
      assert.equal(await store.deliveries.postpone(first, NOW + 99), false);
      assert.equal(await store.deliveries.nextDue(), NOW + 40);
      const finished = await crowd(async () => await store.deliveries.finish(second));
      assert.equal(count(finished, true), 1);
      assert.equal(await store.deliveries.nextDue(), null);
    },
  ],
  [
    'clear: clients of expired sessions go, deliveries stay',
    async (store) => {
      const session = await started(store);
      await store.sessions.join(session, 'app', true);
      await waiting(store);
      assert.equal((await store.clear(session.expiresAt - 1, 10, 0)).sessionClients, 0);
      assert.equal((await store.clear(session.expiresAt, 10, 0)).sessionClients, 1);
      assert.equal((await store.deliveries.claim(session.expiresAt, 10, NOW)).length, 1);
    },
  ],
];
