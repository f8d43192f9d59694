/**
 * Laws about sessions, authorizations and codes, up to the redemption of a code. Laws about
 * redemption and tokens are in `store-laws-tokens.ts`.
 */
import assert from 'node:assert/strict';
import type { Authorization, AuthorizationConditions, LoginProof } from 'valetkey';
import { insertCode, redeem } from './store-acts.ts';
import { CROWD, count, crowd, isLive, type Law } from './store-case.ts';
import {
  allow,
  FIRST_PROOF,
  NOW,
  proofIn,
  sample,
  withClient,
  withCode,
  withFamily,
  word,
} from './store-samples.ts';

/** The laws of this file. */
export const SESSION_LAWS: readonly Law[] = [
  [
    'sessions: start takes the place of another, touch only moves forward',
    async (store) => {
      const facts = sample.facts();
      const first = sample.session(facts);
      const second = sample.session(facts);
      assert.equal(await store.sessions.start(first, null, FIRST_PROOF), 'started');
      assert.deepEqual(await store.sessions.find(first.handle), first);
      assert.deepEqual(await store.sessions.findFor(first.handle, facts.clientId), {
        session: first,
        authorization: null,
      });
      assert.equal(await store.sessions.findFor(word(), facts.clientId), null);
      assert.equal(await store.sessions.start(second, first.handle, FIRST_PROOF), 'started');
      assert.equal(await store.sessions.find(first.handle), null);
      await store.sessions.touch(second.handle, NOW + 5);
      await store.sessions.touch(second.handle, NOW + 3);
      await store.sessions.touch(first.handle, NOW + 3);
      assert.deepEqual(await store.sessions.listBySubject(facts.sub), [
        { ...second, seenAt: NOW + 5 },
      ]);
    },
  ],
  [
    'sessions.end: one of 100 callers gets the session; its codes and families end, offline ones stay',
    async (store) => {
      const made = await withFamily(store);
      const offline = await withFamily(store, {
        sub: made.facts.sub,
        sid: made.facts.sid,
        scopes: ['openid', 'offline_access'],
      });
      const elsewhere = await withFamily(store, { sub: made.facts.sub });
      const pending = sample.code(made.facts, made.authorization.id);
      assert.equal(await insertCode(store, pending, made.session.handle, null), 'stored');
      const ended = await crowd(
        async () => await store.sessions.end(made.session, NOW, true, null),
      );
      assert.equal(count(ended, true), 1);
      assert.equal((await store.codes.find(pending.digest))?.code.consumedAt, NOW);
      assert.deepEqual(
        [
          await isLive(store, made.issue),
          await isLive(store, offline.issue),
          await isLive(store, elsewhere.issue),
        ],
        [false, true, true],
      );
    },
  ],
  [
    'sessions.end without tokens: they stay',
    async (store) => {
      const { session, issue } = await withFamily(store);
      assert.equal(await store.sessions.end(session, NOW, false, null), true);
      assert.equal(await isLive(store, issue), true);
    },
  ],
  [
    'sessions.end beside redeem: nothing is alive afterwards',
    async (store) => {
      for (let round = 0; round < 20; round += 1) {
        const { facts, authorization, code, session } = await withCode(store);
        const family = sample.family(facts, authorization.id);
        const issue = sample.issue(facts, family.id, authorization.id);
        await Promise.all([
          redeem(store, code.digest, family, issue, NOW),
          store.sessions.end(session, NOW, true, null),
        ]);
        assert.equal(await isLive(store, issue), false);
      }
    },
  ],
  [
    'authorizations.remember: 100 concurrent widenings lose no scope and make one record',
    async (store) => {
      const { facts, session } = await withCode(store);
      const made = await crowd(
        async (index) =>
          await allow(store, sample.authorization(facts, { scopes: [`s${index}`] }), session),
      );
      assert.equal(new Set(made.map(({ id }) => id)).size, 1);
      const [only, ...others] = await store.authorizations.listBySubject(facts.sub);
      assert.equal(others.length, 0);
      const { scopes } = sample.authorization(facts);
      assert.equal(new Set(only?.scopes).size, CROWD + scopes.length);
      assert.deepEqual(await store.authorizations.find(facts.sub, facts.clientId), only);
    },
  ],
  [
    'authorizations.remember: what expired is no part of the union, and what is new is',
    async (store) => {
      const { facts, session } = await withCode(store);
      const clientVersion = (await store.clients.find(facts.clientId))?.version ?? 0;
      const before = await store.authorizations.find(facts.sub, facts.clientId);
      const expired = before?.scopes ?? [];
      const next = sample.authorization(facts, { scopes: ['new', expired[0] ?? ''] });
      const conditions = { clientVersion, session, expired };
      const after = await store.authorizations.remember(next, conditions);
      const kept = typeof after === 'string' ? [after] : [...after.scopes].sort();
      assert.deepEqual(kept, ['new', expired[0]].sort());
      const found = await store.authorizations.find(facts.sub, facts.clientId);
      assert.deepEqual([...(found?.scopes ?? [])].sort(), kept);
      assert.equal(found?.id, before?.id);
    },
  ],
  [
    'authorizations.revoke: one of 100 callers is told; codes and tokens under it are dead',
    async (store) => {
      const { authorization, issue, facts, family, session } = await withFamily(store);
      const other = await withFamily(store, { sub: facts.sub });
      const pending = sample.code(facts, authorization.id);
      assert.equal(await insertCode(store, pending, session.handle, null), 'stored');
      assert.equal(
        count(
          await crowd(async () => await store.authorizations.revoke(authorization, NOW, null)),
          true,
        ),
        1,
      );
      assert.deepEqual(
        [
          (await store.codes.find(pending.digest))?.code.consumedAt,
          await isLive(store, issue),
          await store.authorizations.find(facts.sub, facts.clientId),
        ],
        [NOW, false, null],
      );
      // The authorization of another client of the same subject is not affected.
      assert.equal(await isLive(store, other.issue), true);
      const allowed = async (clientId: string): Promise<string | undefined> =>
        (await store.sessions.findFor(other.session.handle, clientId))?.authorization?.id;
      assert.deepEqual(
        [await allowed(other.facts.clientId), await allowed(facts.clientId)],
        [other.authorization.id, undefined],
      );
      const found = await store.tokens.findFamily(family.id);
      assert.deepEqual([found?.authorized, found?.family.revokedAt], [false, NOW]);
      const again = await allow(store, sample.authorization(facts), session);
      assert.notEqual(again.id, authorization.id);
      assert.equal(await isLive(store, issue), false);
    },
  ],
  [
    'codes.insert: of 100 concurrent inserts of one digest one is stored, and only in a session that stands; countFailure counts each',
    async (store) => {
      const facts = await withClient(store);
      const session = sample.session(facts);
      const code = sample.code(facts, word());
      assert.equal(await insertCode(store, code, session.handle, null), 'session_ended');
      assert.equal(await store.codes.find(code.digest), null);
      await store.sessions.start(session, null, FIRST_PROOF);
      const outcomes = await crowd(async () => await insertCode(store, code, session.handle, null));
      assert.deepEqual([count(outcomes, 'stored'), count(outcomes, 'exists')], [1, CROWD - 1]);
      const found = { code, authorized: false };
      assert.deepEqual(await store.codes.find(code.digest), found);
      await crowd(async () => await store.codes.countFailure(code.digest));
      await store.codes.countFailure(word());
      assert.equal((await store.codes.find(code.digest))?.code.failedAttempts, CROWD);
    },
  ],
  [
    'codes.insert beside sessions.end: no code is left that could be redeemed',
    async (store) => {
      for (let round = 0; round < 20; round += 1) {
        const { facts, authorization, session } = await withCode(store);
        const codes = Array.from({ length: 10 }, () => sample.code(facts, authorization.id));
        await Promise.all([
          ...codes
            .slice(0, 5)
            .map(async (code) => await insertCode(store, code, session.handle, null)),
          store.sessions.end(session, NOW, true, null),
          ...codes
            .slice(5)
            .map(async (code) => await insertCode(store, code, session.handle, null)),
        ]);
        for (const { digest } of codes) {
          const found = await store.codes.find(digest);
          assert.ok(found === null || found.code.consumedAt === NOW);
        }
      }
    },
  ],
  [
    'codes.insert beside revokeSubject: no code is left that could be redeemed',
    async (store) => {
      for (let round = 0; round < 20; round += 1) {
        const { facts, authorization, session } = await withCode(store);
        const stored: string[] = [];
        // Requests with `prompt=none` by somebody who has the session cookie. They continue until
        // the session is deleted.
        const ask = async (): Promise<void> => {
          for (let turn = 0; turn < 200; turn += 1) {
            const code = sample.code(facts, authorization.id);
            if ((await insertCode(store, code, session.handle, null)) !== 'stored') return;
            stored.push(code.digest);
          }
        };
        const asking = Array.from({ length: 6 }, ask);
        for (let turn = 0; turn < 5; turn += 1) await store.sessions.find(session.handle);
        await Promise.all([...asking, store.tokens.revokeSubject(facts.sub, NOW, null)]);
        for (const digest of stored)
          assert.equal((await store.codes.find(digest))?.code.consumedAt, NOW);
      }
    },
  ],
  [
    'sessions.start beside revokeSubject: a login that began before starts nothing, one that begins later does',
    async (store) => {
      const facts = sample.facts();
      const start = async (proof: LoginProof): Promise<string> =>
        await store.sessions.start(sample.session(facts), null, proof);
      const startAt = async (time: number): Promise<string> =>
        await start({ revocations: null, time });
      const before = await proofIn(store);
      assert.equal(await start(before), 'started');
      await store.tokens.revokeSubject(facts.sub, NOW, null);
      const after = await proofIn(store);
      assert.deepEqual([await start(before), await start(after)], ['subject_revoked', 'started']);
      // A node whose clock is behind revokes as well: the number decides, not the time.
      await store.tokens.revokeSubject(facts.sub, NOW - 100, null);
      assert.equal(await start(after), 'subject_revoked');
      // Whom another revocation is about may sign in.
      const other = sample.session(sample.facts());
      assert.equal(await store.sessions.start(other, null, before), 'started');
      // A host knows only a time. It never goes back, and one second is one time.
      const times = [await startAt(NOW - 1), await startAt(NOW)];
      assert.deepEqual(times, ['subject_revoked', 'started']);
      for (let round = 0; round < 20; round += 1) {
        const others = sample.facts();
        const proof = await proofIn(store);
        await Promise.all([
          store.sessions.start(sample.session(others), null, proof),
          store.tokens.revokeSubject(others.sub, NOW, null),
          store.sessions.start(sample.session(others), null, proof),
        ]);
        assert.deepEqual(await store.sessions.listBySubject(others.sub), []);
      }
      const last = await withCode(store);
      assert.deepEqual(await store.tokens.revokeSubject(last.facts.sub, NOW, null), {
        families: 0,
        sessions: [last.session],
      });
    },
  ],
  [
    'tokens.revocations: concurrent revocations have different numbers, each higher than those before',
    async (store) => {
      const before = await store.tokens.revocations();
      await crowd(async () => await store.tokens.revokeSubject(word(), NOW, null));
      assert.equal(await store.tokens.revocations(), before + CROWD);
    },
  ],
  [
    'authorizations.remember beside revokeSubject: only in a session that stands, and for the client as it was judged',
    async (store) => {
      const { facts, session, authorization } = await withCode(store);
      const clientVersion = (await store.clients.find(facts.clientId))?.version ?? 0;
      const wider = sample.authorization(facts, { scopes: ['more'] });
      const remember = async (
        changes: Partial<AuthorizationConditions>,
      ): Promise<Authorization | string> =>
        await store.authorizations.remember(wider, { clientVersion, session, ...changes });
      const others = [
        await remember({ session: { ...session, handle: word() } }),
        await remember({ session: { ...session, sid: word() } }),
        await remember({ clientVersion: clientVersion + 1 }),
      ];
      assert.deepEqual(others, ['session_ended', 'session_ended', 'client_changed']);
      assert.deepEqual(await store.authorizations.find(facts.sub, facts.clientId), authorization);
      for (let round = 0; round < 20; round += 1) {
        const one = await withCode(store);
        const more = sample.authorization(one.facts, { scopes: ['more'] });
        const version = (await store.clients.find(one.facts.clientId))?.version ?? 0;
        const conditions = { clientVersion: version, session: one.session };
        // What deletes a subject revokes it first, and withdraws what is there after that.
        const end = async (): Promise<void> => {
          await store.tokens.revokeSubject(one.facts.sub, NOW, null);
          for (const row of await store.authorizations.listBySubject(one.facts.sub))
            await store.authorizations.revoke(row, NOW, null);
        };
        await Promise.all([
          store.authorizations.remember(more, conditions),
          end(),
          store.authorizations.remember(more, conditions),
        ]);
        assert.deepEqual(await store.authorizations.listBySubject(one.facts.sub), []);
      }
    },
  ],
];
