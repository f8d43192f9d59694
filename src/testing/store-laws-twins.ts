/**
 * Laws about two issuers on one database. The twin issuer has records with the same keys, subjects,
 * clients and sessions. A change for one issuer changes no record of the other, and one issuer
 * never finds a record of the other.
 */
import assert from 'node:assert/strict';
import type { AuditEvent, Database, Store } from 'valetkey';
import { extend, insertCode, issueFreely, nothingFor, redeem, rotate } from './store-acts.ts';
import type { Law } from './store-case.ts';
import { allow, FIRST_PROOF, NOW, type SampleIssue, sample, word } from './store-samples.ts';

/** A record of every kind, for both issuers. */
interface Records {
  readonly client: ReturnType<typeof sample.client>;
  readonly session: ReturnType<typeof sample.session>;
  readonly authorization: ReturnType<typeof sample.authorization>;
  readonly used: ReturnType<typeof sample.code>;
  readonly open: ReturnType<typeof sample.code>;
  readonly family: ReturnType<typeof sample.family>;
  readonly issue: SampleIssue;
  readonly lone: SampleIssue['accessToken'];
  readonly waiting: ReturnType<typeof sample.oneTime>;
  readonly spare: ReturnType<typeof sample.oneTime>;
  readonly event: AuditEvent;
  readonly token: ReturnType<typeof sample.initialAccessToken>;
}

function records(): Records {
  const client = sample.client();
  const facts = sample.facts({ clientId: client.clientId });
  const authorization = sample.authorization(facts);
  const family = sample.family(facts, authorization.id);
  return {
    client: { ...client, owner: facts.sub, expiresAt: NOW + 1_000_000 },
    session: sample.session(facts),
    authorization,
    used: sample.code(facts, authorization.id),
    open: sample.code(facts, authorization.id),
    family,
    issue: sample.issue(facts, family.id, authorization.id),
    lone: sample.issue(facts, null, null).accessToken,
    waiting: sample.oneTime(),
    spare: sample.oneTime({ secondKey: word() }),
    event: sample.auditEvent({ sub: facts.sub, clientId: client.clientId }),
    token: sample.initialAccessToken(),
  };
}

async function fill(store: Store, all: Records): Promise<void> {
  assert.equal(await store.clients.insert(all.client, null), true);
  assert.equal(await store.sessions.start(all.session, null, FIRST_PROOF), 'started');
  await allow(store, all.authorization, all.session);
  for (const code of [all.used, all.open])
    assert.equal(await insertCode(store, code, all.session.handle, null), 'stored');
  assert.equal(await redeem(store, all.used.digest, all.family, all.issue, NOW), 'fresh');
  await issueFreely(store, { ...nothingFor(all.lone), accessToken: all.lone }, null);
  assert.equal(await store.keys.swap(0, [], null), true);
  for (const record of [all.waiting, all.spare])
    assert.equal(await store.oneTime.put(record), true);
  await store.counters.hit('counter', 60, NOW);
  await store.audit.append([all.event]);
  await store.initialAccessTokens.insert(all.token, null);
}

/** The results of every lookup of these records for one issuer. */
async function seen(store: Store, all: Records): Promise<unknown[]> {
  const { client, session, authorization, used, open, family, issue, lone } = all;
  return [
    await store.clients.find(client.clientId),
    await store.clients.uses(client.clientId),
    await store.clients.expired(NOW + 1_000_000, 9),
    await store.initialAccessTokens.find(all.token.digest),
    await store.initialAccessTokens.list({ limit: 9 }),
    await store.clients.list({ limit: 9 }),
    await store.clients.list({ limit: 9, owner: client.owner ?? '' }),
    await store.sessions.find(session.handle),
    await store.sessions.listBySubject(session.sub),
    await store.authorizations.find(authorization.sub, authorization.clientId),
    await store.authorizations.listBySubject(authorization.sub),
    await store.codes.find(used.digest),
    await store.codes.find(open.digest),
    await store.tokens.findFamily(family.id),
    await store.tokens.findAccessToken(issue.accessToken.digest),
    await store.tokens.findAccessToken(lone.digest),
    await store.tokens.findIdToken(issue.idToken?.jti ?? ''),
    await store.keys.load(),
    await store.oneTime.find(all.waiting),
    await store.oneTime.find({ kind: all.spare.kind, secondKey: all.spare.secondKey ?? '' }),
    await store.audit.list({ limit: 9 }),
    await store.audit.list({ limit: 9, sub: session.sub, clientId: client.clientId }),
  ];
}

/** Every method that changes something, applied to records that both issuers have. */
const CHANGES: readonly (readonly [
  name: string,
  change: (store: Store, all: Records) => Promise<unknown>,
])[] = [
  [
    'clients.replace',
    async (store, { client }) =>
      await store.clients.replace({ ...client, name: 'other', version: client.version + 1 }, null),
  ],
  [
    'clients.delete',
    async (store, { client }) => await store.clients.delete(client.clientId, null),
  ],
  [
    'clients.used',
    async (store, { client: { clientId } }) =>
      await store.clients.used(clientId, { at: NOW, secret: 's', expiresAt: NOW + 9_000_000 }),
  ],
  [
    'clients.register',
    async (store, { token }) =>
      await store.clients.register(sample.client(), token.digest, NOW, null),
  ],
  [
    'initialAccessTokens.delete',
    async (store, { token }) => await store.initialAccessTokens.delete(token.id, null),
  ],
  [
    'sessions.touch',
    async (store, { session }) => await store.sessions.touch(session.handle, NOW + 5),
  ],
  [
    'sessions.start',
    async (store, { session }) =>
      await store.sessions.start({ ...session, handle: word() }, session.handle, FIRST_PROOF),
  ],
  [
    'sessions.end',
    async (store, { session }) => await store.sessions.end(session, NOW, true, null),
  ],
  [
    'authorizations.remember',
    async (store, { authorization, session }) =>
      await allow(store, { ...authorization, scopes: ['more'] }, session),
  ],
  [
    'authorizations.revoke',
    async (store, { authorization }) => await store.authorizations.revoke(authorization, NOW, null),
  ],
  ['codes.countFailure', async (store, { open }) => await store.codes.countFailure(open.digest)],
  [
    'tokens.redeem',
    async (store, { open, authorization }) => {
      const facts = { ...sample.facts(), ...authorization, sid: word() };
      const family = sample.family(facts, authorization.id);
      return await redeem(
        store,
        open.digest,
        family,
        sample.issue(facts, family.id, authorization.id),
        NOW,
      );
    },
  ],
  [
    'tokens.rotate',
    async (store, { family }) => {
      const rotation = {
        familyId: family.id,
        presented: family.refreshDigest ?? '',
        refreshDigest: word(),
        refreshExpiresAt: NOW + 9,
        sealedSuccessor: 's',
      };
      return await rotate(store, rotation, nothingFor(family), NOW);
    },
  ],
  [
    'tokens.extend',
    async (store, { family }) =>
      await extend(store, family.id, family.refreshDigest ?? '', NOW + 9, nothingFor(family), NOW),
  ],
  [
    'tokens.revokeFamily',
    async (store, { family }) => await store.tokens.revokeFamily(family.id, NOW, null),
  ],
  [
    'tokens.revokeAccessToken',
    async (store, { lone: { digest, clientId } }) =>
      await store.tokens.revokeAccessToken(digest, clientId, NOW, null),
  ],
  [
    'tokens.revokeSubject',
    async (store, { session }) => await store.tokens.revokeSubject(session.sub, NOW, null),
  ],
  [
    'sessions.start under the same handle',
    async (store, { session }) =>
      await store.sessions.start({ ...session, authTime: NOW - 7 }, session.handle, FIRST_PROOF),
  ],
  [
    'oneTime.swap',
    async (store, { waiting }) =>
      await store.oneTime.swap({ ...waiting, payload: 'other', version: 2 }),
  ],
  ['oneTime.consume', async (store, { waiting }) => await store.oneTime.consume(waiting, NOW)],
  [
    'tokens.issue that consumes a one-time record',
    async (store, { client, spare, session }) => {
      const subject = { sub: session.sub, ...FIRST_PROOF };
      const consumption = { kind: 'one_time_record', record: spare } as const;
      const nothing = { ...nothingFor(client), family: null };
      return await store.tokens.issue({ ...nothing, consumption, subject }, NOW);
    },
  ],
  [
    'codes.insert that consumes a one-time record',
    async (store, { session, spare, open }) =>
      await insertCode(store, { ...open, digest: word() }, session.handle, spare),
  ],
  ['keys.swap', async (store) => await store.keys.swap(1, [], null)],
  ['counters.settle', async (store) => await store.counters.settle('counter', 'right')],
  ['clear', async (store) => await store.clear(NOW + 1_000_000, 100, NOW + 1)],
];

/** The laws of this file. */
export const TWIN_LAWS: readonly Law[] = [
  ...CHANGES.map(
    ([name, change]): Law => [
      `${name}: a twin issuer with the very same records is left as it was`,
      async (store, database) => {
        const all = records();
        const twin = twinOf(database);
        await fill(store, all);
        await fill(twin, all);
        const [before, mine] = [await seen(twin, all), await seen(store, all)];
        const outcome = await change(store, all);
        assert.deepEqual(await seen(twin, all), before);
        // The change must change something for its own issuer, else this check proves nothing.
        if (!name.startsWith('counters.'))
          assert.notDeepEqual([await seen(store, all), outcome], [mine, undefined]);
        const counts = await Promise.all([
          store.counters.hit('counter', 60, NOW),
          twin.counters.hit('counter', 60, NOW),
        ]);
        assert.equal(counts[1].count, 2);
      },
    ],
  ),
  [
    'a twin issuer’s session, authorization and family stand for nothing here',
    async (store, database) => {
      const all = records();
      const twin = twinOf(database);
      await fill(twin, all);
      assert.deepEqual(
        [
          await store.oneTime.find(all.waiting),
          await store.tokens.findIdToken(all.issue.idToken?.jti ?? ''),
        ],
        [null, null],
      );
      // The twin's client is not registered here.
      const freely = async () => await issueFreely(store, all.issue, all.family);
      const redeemed = async () => await redeem(store, all.open.digest, all.family, all.issue, NOW);
      const stored = async () => await insertCode(store, all.open, all.session.handle, null);
      assert.equal(await freely(), 'client_changed');
      for (const attempt of [redeemed, stored])
        assert.match(await attempt(), /^(client_changed|consumed|session_ended)$/);
      await store.clients.insert(all.client, null);
      assert.equal(await stored(), 'session_ended');
      const mine = sample.session({
        ...sample.facts(),
        sub: all.session.sub,
        sid: all.session.sid,
      });
      assert.equal(await store.sessions.start(mine, null, FIRST_PROOF), 'started');
      assert.equal(await insertCode(store, all.used, mine.handle, null), 'stored');
      assert.deepEqual(await store.codes.find(all.used.digest), {
        code: all.used,
        authorized: false,
      });
      assert.deepEqual([await redeemed(), await freely()], ['consumed', 'fresh']);
      const found = await store.tokens.findFamily(all.family.id);
      const access = await store.tokens.findAccessToken(all.issue.accessToken.digest);
      assert.deepEqual([found?.authorized, access?.live], [false, false]);
      const rotation = {
        familyId: all.family.id,
        presented: all.family.refreshDigest ?? '',
        refreshDigest: word(),
        refreshExpiresAt: NOW + 9,
        sealedSuccessor: 's',
      };
      assert.equal(await rotate(store, rotation, nothingFor(all.family), NOW), 'consumed');
    },
  ],
  [
    'a twin issuer’s family of the same id keeps no token alive here',
    async (store, database) => {
      const all = records();
      await fill(twinOf(database), all);
      await store.clients.insert(all.client, null);
      assert.equal((await allow(store, all.authorization)).id, all.authorization.id);
      await issueFreely(store, all.issue, null);
      assert.deepEqual(await store.tokens.findAccessToken(all.issue.accessToken.digest), {
        token: all.issue.accessToken,
        live: false,
        login: null,
      });
    },
  ],
  [
    'a twin issuer’s client of the same id keeps no token alive here',
    async (store, database) => {
      const all = records();
      await fill(twinOf(database), all);
      await store.clients.insert(all.client, null);
      const lone = { ...nothingFor(all.lone), accessToken: all.lone };
      assert.equal(await issueFreely(store, lone, null), 'fresh');
      await store.clients.delete(all.client.clientId, null);
      assert.deepEqual(await store.tokens.findAccessToken(all.lone.digest), {
        token: all.lone,
        live: false,
        login: null,
      });
    },
  ],
];

function twinOf(database: Database): Store {
  return database.forIssuer(`https://${word()}.twin.example`);
}
