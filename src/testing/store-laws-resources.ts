/** Laws about APIs that operators registered. */
import assert from 'node:assert/strict';
import { count, crowd, type Law } from './store-case.ts';
import { NOW, sample, word } from './store-samples.ts';

const resource = sample.resource;

/** The laws of this file. */
export const RESOURCE_LAWS: readonly Law[] = [
  [
    'resources.insert: of 100 concurrent calls for one identifier exactly one succeeds',
    async (store) => {
      const one = resource();
      const made = await crowd(
        async (index) =>
          await store.resources.insert(
            { ...one, definition: `{"n":${index}}` },
            sample.auditEvent(),
          ),
      );
      assert.equal(count(made, true), 1);
      const [stored, ...others] = await store.resources.list();
      assert.deepEqual(others, []);
      assert.equal(stored?.definition, `{"n":${made.indexOf(true)}}`);
      assert.equal((await store.audit.list({ limit: 9 })).length, 1);
    },
  ],
  [
    'resources.list: all of them, unchanged, in order of digest',
    async (store) => {
      const [a, b, c] = ['a', 'b', 'C'].map((digest) => resource({ digest }));
      assert.ok(a && b && c);
      for (const one of [b, c, a]) await store.resources.insert(one, null);
      assert.deepEqual(await store.resources.list(), [c, a, b]);
    },
  ],
  [
    'resources.replace: of 100 concurrent changes of one version exactly one succeeds',
    async (store) => {
      const one = resource();
      await store.resources.insert(one, null);
      const changed = await crowd(async (index) => {
        const change = { definition: `{"n":${index}}`, version: 2, updatedAt: NOW + 1 };
        return await store.resources.replace({ ...one, ...change }, sample.auditEvent());
      });
      assert.equal(count(changed, true), 1);
      const definition = `{"n":${changed.indexOf(true)}}`;
      const expected = { ...one, definition, version: 2, updatedAt: NOW + 1 };
      assert.deepEqual(await store.resources.list(), [expected]);
      assert.equal((await store.audit.list({ limit: 9 })).length, 1);
      assert.equal(await store.resources.replace({ ...one, version: 2 }, null), false);
      const unknown = { ...one, digest: word(), version: 3 };
      assert.equal(await store.resources.replace(unknown, null), false);
    },
  ],
  [
    'resources.delete: once, and with its row',
    async (store) => {
      const one = resource();
      await store.resources.insert(one, null);
      const row = sample.auditEvent();
      const deleted = [
        await store.resources.delete(one.digest, row),
        await store.resources.delete(one.digest, sample.auditEvent()),
      ];
      assert.deepEqual(deleted, [true, false]);
      assert.deepEqual(await store.audit.list({ limit: 9 }), [row]);
      assert.deepEqual(await store.resources.list(), []);
    },
  ],
  [
    'resources of another issuer are not seen, changed or deleted',
    async (store, database) => {
      const one = resource();
      await store.resources.insert(one, null);
      const other = database.forIssuer(`https://${word()}.twin.example`);
      assert.deepEqual(await other.resources.list(), []);
      assert.equal(await other.resources.replace({ ...one, version: 2 }, null), false);
      assert.equal(await other.resources.delete(one.digest, null), false);
      assert.equal(await other.resources.insert(one, null), true);
      assert.deepEqual(await store.resources.list(), [one]);
    },
  ],
];
