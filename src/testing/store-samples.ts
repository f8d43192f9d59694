/**
 * Records for tests of stores: complete, distinct, and belonging together as those of one sign-in
 * do.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type {
  AccessToken,
  AuditEvent,
  Authorization,
  Client,
  Code,
  Family,
  IdTokenRecord,
  OneTimeRecord,
  Session,
  Store,
} from 'valetkey';
import { redeem } from './store-acts.ts';

export const NOW: number = 1_800_000_000;
export const word = (): string => randomBytes(16).toString('base64url');

/** An issue whose access token has a row. */
export interface SampleIssue {
  readonly accessToken: AccessToken;
  readonly idToken: IdTokenRecord;
}

/** Facts that records of one sign-in share. */
export interface Facts {
  readonly sub: string;
  readonly clientId: string;
  readonly sid: string;
  readonly scopes: readonly string[];
}

/** Records for tests, complete and distinct. */
export const sample = {
  facts: (changes: Partial<Facts> = {}): Facts => ({
    sub: word(),
    clientId: word(),
    sid: word(),
    scopes: ['openid', 'read'],
    ...changes,
  }),
  client: (clientId: string = word()): Client => ({
    clientId,
    name: 'Naïve 🔑 "app"',
    applicationType: 'web',
    tokenEndpointAuthMethod: 'client_secret_basic',
    secrets: [{ id: 's', digest: word(), sealed: null, createdAt: NOW, expiresAt: null }],
    redirectUris: ['https://rp.example/cb?a=1&b=2'],
    postLogoutRedirectUris: [],
    allowedOrigins: [],
    grantTypes: ['authorization_code'],
    responseTypes: ['code'],
    scopes: null,
    idTokenSignedResponseAlg: 'RS256',
    skipConsent: false,
    clientUri: null,
    logoUri: null,
    policyUri: null,
    tosUri: null,
    contacts: [],
    owner: null,
    fields: { 'x-field': ['a', 1, null] },
    registrationSource: 'manual',
    disabledAt: null,
    createdAt: NOW,
    updatedAt: NOW,
    version: 1,
  }),
  session: (facts: Facts, changes: Partial<Session> = {}): Session => ({
    handle: word(),
    sid: facts.sid,
    sub: facts.sub,
    authTime: NOW,
    amr: ['pwd', 'otp'],
    acr: null,
    createdAt: NOW,
    seenAt: NOW,
    expiresAt: NOW + 1000,
    ...changes,
  }),
  authorization: (facts: Facts, changes: Partial<Authorization> = {}): Authorization => ({
    id: word(),
    sub: facts.sub,
    clientId: facts.clientId,
    scopes: facts.scopes,
    createdAt: NOW,
    updatedAt: NOW,
    ...changes,
  }),
  code: (facts: Facts, authorizationId: string, changes: Partial<Code> = {}): Code => ({
    digest: word(),
    ...facts,
    authorizationId,
    authTime: NOW,
    amr: ['pwd'],
    acr: null,
    details: { resource: ['https://api.example'] },
    redirectUri: 'https://rp.example/cb',
    codeChallenge: word(),
    nonce: null,
    createdAt: NOW,
    expiresAt: NOW + 60,
    failedAttempts: 0,
    redeemedAt: null,
    familyId: null,
    ...changes,
  }),
  family: (facts: Facts, authorizationId: string, changes: Partial<Family> = {}): Family => ({
    id: word(),
    ...facts,
    authorizationId,
    authTime: NOW,
    amr: [],
    acr: 'gold',
    details: { resource: ['https://api.example'] },
    createdAt: NOW,
    refreshDigest: word(),
    refreshExpiresAt: NOW + 500,
    previousDigest: null,
    sealedSuccessor: null,
    rotatedAt: null,
    expiresAt: NOW + 1000,
    revokedAt: null,
    ...changes,
  }),
  issue: (
    facts: Facts,
    familyId: string | null,
    authorizationId: string | null,
    changes: Partial<AccessToken> = {},
  ): SampleIssue => {
    const token: AccessToken = {
      digest: word(),
      familyId,
      authorizationId,
      ...facts,
      details: {},
      issuedAt: NOW,
      expiresAt: NOW + 100,
      ...changes,
    };
    return {
      accessToken: token,
      idToken: {
        jti: word(),
        ...facts,
        accessTokenDigest: token.digest,
        issuedAt: NOW,
        expiresAt: NOW + 100,
      },
    };
  },
  oneTime: (changes: Partial<OneTimeRecord> = {}): OneTimeRecord => ({
    kind: 'sample',
    digest: word(),
    secondKey: null,
    payload: 'sealed',
    version: 1,
    consumedAt: null,
    expiresAt: NOW + 100,
    ...changes,
  }),
  auditEvent: (changes: Partial<AuditEvent> = {}): AuditEvent => ({
    id: word(),
    at: NOW,
    type: 'sample',
    sub: null,
    clientId: null,
    ip: null,
    requestId: null,
    reason: null,
    detail: {},
    ...changes,
  }),
};

/** A sign-in up to the code. */
export async function withCode(
  store: Store,
  changes: Partial<Facts> = {},
): Promise<{ facts: Facts; authorization: Authorization; code: Code; session: Session }> {
  const facts = sample.facts(changes);
  const session = sample.session(facts);
  assert.equal(await store.sessions.start(session, null, NOW), 'started');
  const authorization = await store.authorizations.remember(sample.authorization(facts));
  const code = sample.code(facts, authorization.id);
  assert.equal(await store.codes.insert(code, session.handle, null), 'stored');
  return { facts, authorization, code, session };
}

/** A sign-in up to live tokens. */
export async function withFamily(
  store: Store,
  changes: Partial<Facts> = {},
): Promise<{
  facts: Facts;
  authorization: Authorization;
  code: Code;
  session: Session;
  family: Family;
  issue: SampleIssue;
}> {
  const start = await withCode(store, changes);
  const family = sample.family(start.facts, start.authorization.id);
  const issue = sample.issue(start.facts, family.id, start.authorization.id);
  assert.equal(await redeem(store, start.code.digest, family, issue, NOW), 'fresh');
  return { ...start, family, issue };
}
