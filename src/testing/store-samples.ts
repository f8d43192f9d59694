/**
 * Records for tests of stores. They are complete, every record has identifiers of its own, and the
 * records of one sign-in belong together. The acts that store tokens are in `store-acts.ts`.
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
  InitialAccessToken,
  OneTimeRecord,
  ProvenAt,
  Session,
  Store,
  StoredResource,
} from 'valetkey';
import { insertCode, redeem } from './store-acts.ts';

/** The time at which all samples are made, in seconds since 1970. */
export const NOW: number = 1_800_000_000;
/** A new random identifier, 22 characters. */
export const word = (): string => randomBytes(16).toString('base64url');

/** The records of a token response with both tokens. */
export interface SampleIssue {
  /** The client that gets them. */
  readonly clientId: string;
  /** Its version, as if it never changed. */
  readonly clientVersion: number;
  /** The record of the access token. */
  readonly accessToken: AccessToken;
  /** The record of the ID token. */
  readonly idToken: IdTokenRecord;
}

/** The values that all records of one sign-in share. */
export interface Facts {
  /** The subject. */
  readonly sub: string;
  /** The client. */
  readonly clientId: string;
  /** The public identifier of the session. */
  readonly sid: string;
  /** The scopes that the subject allowed. */
  readonly scopes: readonly string[];
}

/** Makes records for tests. Each call makes a new, complete record, with the given changes. */
export const sample = {
  /** The values that the records of a new sign-in share. */
  facts: (changes: Partial<Facts> = {}): Facts => ({
    sub: word(),
    clientId: word(),
    sid: word(),
    scopes: ['openid', 'read'],
    ...changes,
  }),
  /** A confidential client. */
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
    defaultScopes: null,
    idTokenClaims: false,
    allowLocalhost: false,
    idTokenSignedResponseAlg: 'RS256',
    defaultMaxAge: 60,
    requireAuthTime: true,
    defaultAcrValues: ['urn:a', 'urn:b'],
    initiateLoginUri: null,
    softwareId: 'é',
    softwareVersion: null,
    codeLifetime: 60,
    accessTokenLifetime: 61,
    idTokenLifetime: 62,
    refreshTokenIdleLifetime: 63,
    refreshTokenAbsoluteLifetime: 64,
    rotateRefreshTokens: false,
    skipConsent: false,
    partialConsent: true,
    clientUri: null,
    logoUri: null,
    policyUri: null,
    tosUri: null,
    jwks: null,
    jwksUri: null,
    tokenEndpointAuthSigningAlg: null,
    contacts: [],
    owner: null,
    fields: { 'x-field': ['a', 1, null] },
    registrationSource: 'manual',
    disabledAt: null,
    createdAt: NOW,
    updatedAt: NOW,
    version: 1,
  }),
  /** A token by which one client registers itself, within 100 seconds. */
  resource: (changes: Partial<StoredResource> = {}): StoredResource => ({
    digest: word(),
    definition: '{"resource":"https://api.example"}',
    version: 1,
    createdAt: NOW,
    updatedAt: NOW,
    ...changes,
  }),
  initialAccessToken: (changes: Partial<InitialAccessToken> = {}): InitialAccessToken => ({
    id: word(),
    digest: word(),
    name: 'Naïve 🔑 "team"',
    usesLeft: 1,
    createdAt: NOW,
    expiresAt: NOW + 100,
    ...changes,
  }),
  /** A session of 1000 seconds. */
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
  /** The authorization of the subject and the client. */
  authorization: (facts: Facts, changes: Partial<Authorization> = {}): Authorization => ({
    id: word(),
    sub: facts.sub,
    clientId: facts.clientId,
    scopes: facts.scopes,
    createdAt: NOW,
    updatedAt: NOW,
    ...changes,
  }),
  /** An unconsumed code of 60 seconds. */
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
    consumedAt: null,
    familyId: null,
    ...changes,
  }),
  /** A family of 1000 seconds, whose refresh token has an idle limit of 500 seconds. */
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
  /** The records of a token response, whose tokens last 100 seconds. */
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
      clientId: facts.clientId,
      clientVersion: 1,
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
  /** An unconsumed one-time record of 100 seconds. */
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
  /** A row of the audit log. */
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

/** The records of a sign-in up to the code. */
export interface SampleCode {
  /** The values that they share. */
  readonly facts: Facts;
  /** The authorization of the subject and the client. */
  readonly authorization: Authorization;
  /** The code, not consumed. */
  readonly code: Code;
  /** The session. */
  readonly session: Session;
}

/** The records of a sign-in up to the tokens. */
export interface SampleFamily extends SampleCode {
  /** The family that the code was redeemed for. */
  readonly family: Family;
  /** The records of its tokens. */
  readonly issue: SampleIssue;
}

/** The values of a new sign-in, whose client is registered: if it is not there yet, it is now. */
export async function withClient(store: Store, changes: Partial<Facts> = {}): Promise<Facts> {
  const facts = sample.facts(changes);
  await store.clients.insert(sample.client(facts.clientId), null);
  return facts;
}

async function versionOf(store: Store, clientId: string): Promise<number> {
  return (await store.clients.find(clientId))?.version ?? 1;
}

/** A proof before any revocation. */
export const FIRST_PROOF: ProvenAt = { revocations: 0, time: NOW };

/** A proof that begins now. */
export async function proofIn(store: Store): Promise<ProvenAt> {
  return { revocations: await store.tokens.revocations(), time: NOW };
}

/**
 * Remembers what a subject allows a registered client.
 * @param session where they are asked; absent: one that begins and ends for it
 * @throws AssertionError when the store refuses
 */
export async function allow(
  store: Store,
  authorization: Authorization,
  session?: Session,
): Promise<Authorization> {
  const { sub, clientId } = authorization;
  const own = session ?? sample.session({ ...sample.facts(), sub });
  if (session === undefined) await store.sessions.start(own, null, await proofIn(store));
  const clientVersion = await versionOf(store, clientId);
  const made = await store.authorizations.remember(authorization, { clientVersion, session: own });
  if (session === undefined) await store.sessions.end(own, NOW, false, null);
  assert.ok(typeof made !== 'string', `not remembered: ${JSON.stringify(made)}`);
  return made;
}

/**
 * Stores a sign-in up to the code: the client, a session, an authorization and an unconsumed code.
 * @throws AssertionError when the store refuses a record
 */
export async function withCode(store: Store, changes: Partial<Facts> = {}): Promise<SampleCode> {
  const facts = await withClient(store, changes);
  const session = sample.session(facts);
  assert.equal(await store.sessions.start(session, null, FIRST_PROOF), 'started');
  const authorization = await allow(store, sample.authorization(facts), session);
  const code = sample.code(facts, authorization.id);
  const version = await versionOf(store, facts.clientId);
  assert.equal(await insertCode(store, code, session.handle, null, version), 'stored');
  return { facts, authorization, code, session };
}

/**
 * Stores a sign-in up to the tokens: the records of `withCode`, and the family and tokens that the
 * code was redeemed for.
 * @throws AssertionError when the store refuses a record
 */
export async function withFamily(
  store: Store,
  changes: Partial<Facts> = {},
): Promise<SampleFamily> {
  const start = await withCode(store, changes);
  const family = sample.family(start.facts, start.authorization.id);
  const clientVersion = await versionOf(store, start.facts.clientId);
  const issue = {
    ...sample.issue(start.facts, family.id, start.authorization.id),
    clientVersion,
  };
  assert.equal(await redeem(store, start.code.digest, family, issue, NOW), 'fresh');
  return { ...start, family, issue };
}
