/**
 * Laws about records that are consumed at most once: one-time records, alone and in the acts that
 * consume them. Also the laws about the audit rows of acts. Codes and refresh tokens are in
 * `store-laws-tokens.ts`.
 */
import assert from 'node:assert/strict';
import type { AuditEvent, Issue, Store } from 'valetkey';
import { insertCode, issueFreely } from './store-acts.ts';
import { CROWD, count, crowd, isLive, type Law } from './store-case.ts';
import {
  FIRST_PROOF,
  NOW,
  sample,
  withClient,
  withCode,
  withFamily,
  word,
} from './store-samples.ts';

/** A token issue to a subject that consumes a one-time record, or nothing. */
async function issueTo(
  store: Store,
  sub: string,
  revocations: number,
  record: ReturnType<typeof sample.oneTime> | null,
): Promise<Issue & ReturnType<typeof sample.issue>> {
  const facts = await withClient(store, { sub });
  const family = { ...sample.family(facts, word()), authorizationId: null, sid: null };
  const consumption = record === null ? null : ({ kind: 'one_time_record', record } as const);
  return {
    ...sample.issue(facts, family.id, null),
    consumption,
    subject: { sub, revocations, time: NOW },
    family,
  };
}

/** Acts that take an audit row. Each changes something at the first call, nothing at the second. */
const ACTS: readonly (readonly [
  name: string,
  prepare: (store: Store) => Promise<(audit: AuditEvent) => Promise<unknown>>,
])[] = [
  [
    'clients.insert',
    async (store) => {
      const client = sample.client();
      return async (audit) => await store.clients.insert(client, audit);
    },
  ],
  [
    'clients.replace',
    async (store) => {
      const client = sample.client();
      await store.clients.insert(client, null);
      return async (audit) => await store.clients.replace({ ...client, version: 2 }, audit);
    },
  ],
  [
    'clients.delete',
    async (store) => {
      const { clientId } = sample.client();
      await store.clients.insert(sample.client(clientId), null);
      return async (audit) => await store.clients.delete(clientId, audit);
    },
  ],
  [
    'sessions.end',
    async (store) => {
      const { session } = await withFamily(store);
      return async (audit) => await store.sessions.end(session, NOW, true, audit);
    },
  ],
  [
    'authorizations.revoke',
    async (store) => {
      const { authorization } = await withFamily(store);
      return async (audit) => await store.authorizations.revoke(authorization, NOW, audit);
    },
  ],
  [
    'tokens.revokeFamily',
    async (store) => {
      const { family } = await withFamily(store);
      return async (audit) => await store.tokens.revokeFamily(family.id, NOW, audit);
    },
  ],
  [
    'tokens.revokeAccessToken',
    async (store) => {
      const facts = await withClient(store);
      const issue = sample.issue(facts, null, null, { sub: null, sid: null });
      await issueFreely(store, { ...issue, idToken: null }, null);
      const { digest, clientId } = issue.accessToken;
      return async (audit) => await store.tokens.revokeAccessToken(digest, clientId, NOW, audit);
    },
  ],
  ['keys.swap', async (store) => async (audit) => await store.keys.swap(0, [], audit)],
];

/** The laws of this file. */
export const ONE_TIME_LAWS: readonly Law[] = [
  [
    'oneTime.put: of 100 callers with one digest, or one second key, exactly one stores its record',
    async (store) => {
      const record = sample.oneTime({ secondKey: word() });
      const puts = await crowd(async (index) =>
        store.oneTime.put({ ...record, secondKey: null, payload: String(index) }),
      );
      assert.equal(count(puts, true), 1);
      const stored = await store.oneTime.find(record);
      assert.deepEqual(stored, { ...record, secondKey: null, payload: stored?.payload });
      const seconds = await crowd(async () =>
        store.oneTime.put({ ...record, digest: word(), payload: 'second' }),
      );
      assert.equal(count(seconds, true), 1);
      const { kind, secondKey } = record;
      const found = await store.oneTime.find({ kind, secondKey: secondKey ?? '' });
      assert.equal(found?.payload, 'second');
      // Keys are unique within a kind only, so both keys are free in another kind.
      assert.equal(await store.oneTime.put({ ...record, kind: 'other' }), true);
      assert.equal(await store.oneTime.find({ kind: 'third', digest: record.digest }), null);
    },
  ],
  [
    'oneTime.swap: of 100 callers with one version exactly one changes the record, and none a consumed one',
    async (store) => {
      const record = sample.oneTime({ secondKey: word() });
      assert.equal(await store.oneTime.swap({ ...record, version: 2 }), false);
      assert.equal(await store.oneTime.put(record), true);
      assert.equal(await store.oneTime.swap(record), false);
      const changed = { ...record, payload: 'changed', version: 2, expiresAt: NOW + 7 };
      const swaps = await crowd(async () => await store.oneTime.swap(changed));
      assert.equal(count(swaps, true), 1);
      assert.deepEqual(await store.oneTime.find(record), changed);
      assert.equal(await store.oneTime.consume(changed, NOW), true);
      assert.equal(await store.oneTime.swap({ ...changed, version: 3 }), false);
    },
  ],
  [
    'oneTime.consume: exactly one of 100 callers consumes, never another version nor an expired record',
    async (store) => {
      const record = sample.oneTime({ expiresAt: NOW + 10 });
      assert.equal(await store.oneTime.consume(record, NOW), false);
      await store.oneTime.put(record);
      assert.equal(await store.oneTime.consume({ ...record, version: 2 }, NOW), false);
      assert.equal(await store.oneTime.consume({ ...record, kind: 'other' }, NOW), false);
      assert.equal(await store.oneTime.consume(record, NOW + 10), false);
      const consumed = await crowd(async () => await store.oneTime.consume(record, NOW + 9));
      assert.equal(count(consumed, true), 1);
      assert.equal((await store.oneTime.find(record))?.consumedAt, NOW + 9);
    },
  ],
  [
    'tokens.issue: of 100 calls that consume one record exactly one is fresh, and only its tokens exist',
    async (store) => {
      const record = sample.oneTime();
      await store.oneTime.put(record);
      const issues = await crowd(async () => await issueTo(store, word(), NOW, record));
      const outcomes = await crowd(async (index) => {
        const issue = issues[index];
        return issue === undefined ? null : await store.tokens.issue(issue, NOW);
      });
      assert.deepEqual([count(outcomes, 'fresh'), count(outcomes, 'consumed')], [1, CROWD - 1]);
      for (const [index, issue] of issues.entries())
        assert.equal(await isLive(store, issue), outcomes[index] === 'fresh');
    },
  ],
  [
    'tokens.issue: a record that changed, expired or was consumed issues nothing',
    async (store) => {
      const record = sample.oneTime({ expiresAt: NOW + 10 });
      await store.oneTime.put(record);
      const late = await issueTo(store, word(), NOW, record);
      assert.equal(await store.tokens.issue(late, NOW + 10), 'consumed');
      await store.oneTime.swap({ ...record, version: 2 });
      assert.equal(await store.tokens.issue(late, NOW), 'consumed');
      assert.equal(await store.oneTime.consume({ ...record, version: 2 }, NOW), true);
      const again = await issueTo(store, word(), NOW, { ...record, version: 2 });
      assert.equal(await store.tokens.issue(again, NOW), 'consumed');
      assert.deepEqual([await isLive(store, late), await isLive(store, again)], [false, false]);
    },
  ],
  [
    'tokens.issue: nothing is issued to a subject that was revoked since, and nothing is consumed',
    async (store) => {
      const sub = word();
      const before = await store.tokens.revocations();
      await store.tokens.revokeSubject(sub, NOW, null);
      const record = sample.oneTime();
      await store.oneTime.put(record);
      for (const consumed of [null, record])
        assert.equal(
          await store.tokens.issue(await issueTo(store, sub, before, consumed), NOW),
          'subject_revoked',
        );
      const later = await issueTo(store, sub, before + 1, record);
      assert.equal(await store.tokens.issue(later, NOW), 'fresh');
      assert.equal(await isLive(store, later), true);
    },
  ],
  [
    'tokens.issue beside revokeSubject: nothing lives afterwards',
    async (store) => {
      for (let round = 0; round < 20; round += 1) {
        const sub = word();
        const record = sample.oneTime();
        await store.oneTime.put(record);
        const before = await store.tokens.revocations();
        const issues = [
          await issueTo(store, sub, before, null),
          await issueTo(store, sub, before, record),
          await issueTo(store, sub, before, null),
        ];
        const [first, second, third] = issues.map(
          (issue) => async () => await store.tokens.issue(issue, NOW),
        );
        await Promise.all([
          first?.(),
          second?.(),
          store.tokens.revokeSubject(sub, NOW, null),
          third?.(),
        ]);
        for (const issue of issues) assert.equal(await isLive(store, issue), false);
      }
    },
  ],
  [
    'codes.insert: of 100 codes that consume one record exactly one is stored, and only in a session',
    async (store) => {
      const { facts, authorization, session } = await withCode(store);
      const record = sample.oneTime();
      const code = (): ReturnType<typeof sample.code> => sample.code(facts, authorization.id);
      assert.equal(await insertCode(store, code(), session.handle, record), 'consumed');
      await store.oneTime.put(record);
      assert.equal(await insertCode(store, code(), word(), record), 'session_ended');
      // A session that began anew under the same handle has another sid.
      const earlier = sample.code({ ...facts, sid: word() }, authorization.id);
      assert.equal(await insertCode(store, earlier, session.handle, record), 'session_ended');
      assert.equal((await store.oneTime.find(record))?.consumedAt, null);
      const codes = Array.from({ length: CROWD }, code);
      const outcomes = await crowd(async (index) => {
        const one = codes[index];
        return one === undefined ? null : insertCode(store, one, session.handle, record);
      });
      assert.deepEqual([count(outcomes, 'stored'), count(outcomes, 'consumed')], [1, CROWD - 1]);
      for (const [index, one] of codes.entries()) {
        const found = await store.codes.find(one.digest);
        assert.equal(found !== null, outcomes[index] === 'stored');
      }
      const winner = codes[outcomes.indexOf('stored')];
      assert.ok(winner !== undefined);
      assert.equal(await insertCode(store, winner, session.handle, record), 'exists');
    },
  ],
  [
    'sessions.start: of 100 starts under one handle exactly one is stored; replacing it keeps the handle',
    async (store) => {
      const facts = sample.facts();
      const session = sample.session(facts);
      const starts = await crowd(async () =>
        store.sessions.start({ ...session, sid: word() }, null, FIRST_PROOF),
      );
      assert.deepEqual([count(starts, 'started'), count(starts, 'exists')], [1, CROWD - 1]);
      const renewed = { ...session, authTime: NOW + 5 };
      assert.equal(await store.sessions.start(renewed, session.handle, FIRST_PROOF), 'started');
      assert.deepEqual(await store.sessions.listBySubject(facts.sub), [renewed]);
    },
  ],
  [
    'clear: one-time records go when they expire, consumed or not, and only those of their kind',
    async (store) => {
      const record = sample.oneTime({ expiresAt: NOW + 5 });
      await store.oneTime.put(record);
      await store.oneTime.put({ ...record, kind: 'other', expiresAt: NOW + 50 });
      await store.oneTime.consume(record, NOW);
      assert.equal((await store.clear(NOW + 4, 10, 0)).oneTimeRecords, 0);
      assert.equal((await store.clear(NOW + 5, 10, 0)).oneTimeRecords, 1);
      assert.equal(await store.oneTime.find(record), null);
      assert.notEqual(await store.oneTime.find({ ...record, kind: 'other' }), null);
    },
  ],
  ...ACTS.map(
    ([name, prepare]): Law => [
      `${name}: its audit row is stored if, and only if, the act happened`,
      async (store) => {
        const act = await prepare(store);
        const [did, didNot] = [sample.auditEvent(), sample.auditEvent()];
        assert.deepEqual([await act(did), await act(didNot)], [true, false]);
        assert.deepEqual(await store.audit.list({ limit: 9 }), [did]);
      },
    ],
  ),
  [
    'tokens.revokeSubject: its audit row is stored with the act',
    async (store) => {
      const event = sample.auditEvent();
      assert.equal((await store.tokens.revokeSubject(word(), NOW, event)).families, 0);
      assert.deepEqual(await store.audit.list({ limit: 9 }), [event]);
    },
  ],
];
