/**
 * Laws about clients that register themselves: the use of initial access tokens, when a client was
 * last used, and its end when nobody uses it.
 */
import assert from 'node:assert/strict';
import { count, crowd, type Law } from './store-case.ts';
import { NOW, sample, withFamily, word } from './store-samples.ts';

const token = sample.initialAccessToken;

/** The laws of this file. */
export const REGISTRATION_LAWS: readonly Law[] = [
  [
    'initialAccessTokens: found by digest, listed in order of id, deleted once',
    async (store) => {
      const [a, b, c] = ['a', 'b', 'c'].map((id) => token({ id }));
      assert.ok(a && b && c);
      for (const one of [c, a, b]) await store.initialAccessTokens.insert(one, null);
      assert.deepEqual(await store.initialAccessTokens.find(b.digest), b);
      assert.equal(await store.initialAccessTokens.find(word()), null);
      assert.deepEqual(await store.initialAccessTokens.list({ limit: 2 }), [a, b]);
      assert.deepEqual(await store.initialAccessTokens.list({ after: 'b', limit: 2 }), [c]);
      const row = sample.auditEvent();
      assert.deepEqual(
        [
          await store.initialAccessTokens.delete('b', row),
          await store.initialAccessTokens.delete('b', sample.auditEvent()),
        ],
        [true, false],
      );
      assert.deepEqual(await store.audit.list({ limit: 9 }), [row]);
      assert.equal(await store.initialAccessTokens.find(b.digest), null);
    },
  ],
  [
    'clients.register: of 100 concurrent calls as many succeed as the token has uses, each with its client',
    async (store) => {
      const three = token({ usesLeft: 3 });
      await store.initialAccessTokens.insert(three, null);
      const clients = Array.from({ length: 100 }, () => sample.client());
      const registered = await crowd(async (index) => {
        const client = clients[index] ?? sample.client();
        return await store.clients.register(client, three.digest, NOW, sample.auditEvent());
      });
      assert.equal(count(registered, true), 3);
      const stored = await crowd(
        async (index) => (await store.clients.find(clients[index]?.clientId ?? '')) !== null,
      );
      assert.deepEqual(stored, registered);
      assert.equal((await store.initialAccessTokens.find(three.digest))?.usesLeft, 0);
      assert.equal((await store.audit.list({ limit: 9 })).length, 3);
    },
  ],
  [
    'clients.register: an unknown or expired token registers nothing',
    async (store) => {
      const expired = token({ expiresAt: NOW });
      await store.initialAccessTokens.insert(expired, null);
      for (const digest of [expired.digest, word()]) {
        const client = sample.client();
        const row = sample.auditEvent();
        assert.equal(await store.clients.register(client, digest, NOW, row), false);
        assert.equal(await store.clients.find(client.clientId), null);
      }
      assert.equal((await store.initialAccessTokens.find(expired.digest))?.usesLeft, 1);
      assert.deepEqual(await store.audit.list({ limit: 9 }), []);
    },
  ],
  [
    'clients.used: times and the end move forward, never backward, without a new version',
    async (store) => {
      const client = { ...sample.client(), expiresAt: NOW + 10 };
      await store.clients.insert(client, null);
      const { clientId } = client;
      assert.deepEqual(await store.clients.uses(clientId), { at: null, secrets: {} });
      await crowd(async (index) => {
        const secret = index % 2 === 0 ? 's' : null;
        const use = { at: NOW + index, secret, expiresAt: NOW + 1000 + index };
        await store.clients.used(clientId, use);
      });
      const noted = { at: NOW + 99, secrets: { s: NOW + 98 } };
      assert.deepEqual(await store.clients.uses(clientId), noted);
      const found = { ...client, expiresAt: NOW + 1099 };
      assert.deepEqual(await store.clients.find(clientId), found);
      assert.deepEqual(await store.clients.list({ limit: 9 }), [found]);
      // A change that was planned before it was used does not take the end back.
      const changed = { ...client, name: 'new', version: 2 };
      assert.equal(await store.clients.replace(changed, null), true);
      assert.equal((await store.clients.find(clientId))?.expiresAt, NOW + 1099);
      // One that makes it stay does.
      const kept = { ...changed, expiresAt: null, version: 3 };
      assert.equal(await store.clients.replace(kept, null), true);
      await store.clients.used(clientId, { at: NOW, secret: null, expiresAt: NOW + 9999 });
      assert.equal((await store.clients.find(clientId))?.expiresAt ?? null, null);
    },
  ],
  [
    'clients.used: the end alone moves, or the time alone',
    async (store) => {
      const client = { ...sample.client(), expiresAt: NOW + 10 };
      const { clientId } = client;
      await store.clients.insert(client, null);
      await store.clients.used(clientId, { at: null, secret: 's', expiresAt: NOW + 20 });
      assert.deepEqual(await store.clients.uses(clientId), { at: null, secrets: {} });
      await store.clients.used(clientId, { at: NOW, secret: 's', expiresAt: null });
      assert.deepEqual(await store.clients.uses(clientId), { at: NOW, secrets: { s: NOW } });
      assert.equal((await store.clients.find(clientId))?.expiresAt, NOW + 20);
    },
  ],
  [
    'clients.delete: with a version, only the client of that version',
    async (store) => {
      const client = sample.client();
      await store.clients.insert(client, null);
      await store.clients.replace({ ...client, version: 2 }, null);
      const deleted = async (version: number): Promise<boolean> =>
        await store.clients.delete(client.clientId, null, { version });
      assert.deepEqual([await deleted(1), await deleted(3)], [false, false]);
      assert.notEqual(await store.clients.find(client.clientId), null);
      assert.deepEqual([await deleted(2), await deleted(2)], [true, false]);
    },
  ],
  [
    'clients.used: a client that is not there is not made, and a deleted one leaves no uses',
    async (store) => {
      const use = { at: NOW, secret: 's', expiresAt: NOW + 9 };
      const client = sample.client();
      await store.clients.used(client.clientId, use);
      assert.deepEqual(await store.clients.uses(client.clientId), { at: null, secrets: {} });
      await store.clients.insert(client, null);
      assert.deepEqual(await store.clients.uses(client.clientId), { at: null, secrets: {} });
      await store.clients.used(client.clientId, use);
      await store.clients.delete(client.clientId, null);
      await store.clients.insert(client, null);
      assert.deepEqual(await store.clients.uses(client.clientId), { at: null, secrets: {} });
    },
  ],
  [
    'clients.expired, clients.delete: one that expired goes whole, one that was used meanwhile stays',
    async (store) => {
      const [stays, goes, later, used, disabled] = [null, NOW, NOW + 1, NOW, NOW].map(
        (expiresAt, index) => ({
          ...sample.client(),
          expiresAt,
          disabledAt: index === 4 ? NOW : null,
        }),
      );
      assert.ok(stays && goes && later && used && disabled);
      const all = [stays, goes, later, used, disabled];
      for (const client of all) await store.clients.insert(client, null);
      const { facts } = await withFamily(store, { clientId: goes.clientId });
      assert.deepEqual(
        [...(await store.clients.expired(NOW, 9))].sort(),
        [goes.clientId, used.clientId].sort(),
      );
      assert.equal((await store.clients.expired(NOW, 1)).length, 1);
      await store.clients.used(used.clientId, { at: NOW, secret: null, expiresAt: NOW + 9 });
      const deleted: boolean[] = [];
      for (const { clientId } of all)
        deleted.push(await store.clients.delete(clientId, null, { expiredBy: NOW }));
      assert.deepEqual(deleted, [false, true, false, false, false]);
      assert.equal(await store.authorizations.find(facts.sub, facts.clientId), null);
      assert.deepEqual(await store.clients.expired(NOW, 9), []);
    },
  ],
];
