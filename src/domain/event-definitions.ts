/**
 * The events of the core. Each is a literal `as const`, so that its type follows from it;
 * `docs/events.md` is generated from here and from the features.
 */
import type { EventDefinition } from './event-definition.ts';

/** Somebody proved who they are. */
export const loginSucceeded = {
  name: 'login.succeeded',
  description: 'Somebody signed in on the login page, or a host said that they did.',
  sub: 'always',
  detail: {
    sid: { kind: 'text', description: 'the session that began, as ID tokens name it' },
  },
} as const;

/** Credentials proved nothing. */
export const loginFailed = {
  name: 'login.failed',
  description: 'A username and a password proved nothing, or the account is disabled.',
  sub: 'sometimes',
  reason: 'always',
  stored: 'sometimes',
} as const;

/** A limit of wrong passwords was reached. */
export const loginLimited = {
  name: 'login.limited',
  description:
    'Sign-ins of one account or one network are refused unseen, after too many wrong passwords. It is told once for each limit and its window.',
  reason: 'always',
  detail: { seconds: { kind: 'number', description: 'seconds until sign-ins are possible again' } },
} as const;

/** A session of the host is new here. */
export const sessionStarted = {
  name: 'session.started',
  description:
    'A sign-in at the host (accounts.current) was seen here for the first time. Sign-ins on the login page are login.succeeded.',
  sub: 'always',
  detail: {
    sid: { kind: 'text', description: 'the session that began, as ID tokens name it' },
  },
} as const;

/** A session ended. */
export const loggedOut = {
  name: 'logout',
  description:
    'One session ended: its person signed out here or elsewhere, another person signed in, or an operator ended it. What subject.revoked ends is not told one by one.',
  sub: 'always',
  detail: { sid: { kind: 'text', description: 'the session that ended, as ID tokens name it' } },
} as const;

/** An authorization request ended well. */
export const authorizationGranted = {
  name: 'authorization.granted',
  description:
    'An application got what it asked a person for: a code, or tokens, or the approval of a device.',
  sub: 'always',
  client: 'always',
  detail: {
    scope: { kind: 'text', description: 'scopes of this request that are allowed' },
    asked: { kind: 'flag', description: 'false: the person was not asked this time' },
    device: { kind: 'flag', description: 'true: a device shows the code (RFC 8628)' },
  },
} as const;

/** An authorization request was declined. */
export const authorizationDenied = {
  name: 'authorization.denied',
  description:
    'Somebody declined what an application or a device asks for, or left the sign-in. The audit log has a row of people who are signed in.',
  sub: 'sometimes',
  client: 'sometimes',
  reason: 'always',
  stored: 'sometimes',
} as const;

/** What was allowed was withdrawn. */
export const authorizationRevoked = {
  name: 'authorization.revoked',
  description:
    'What a person allowed an application was withdrawn, by the person or by an operator, with all tokens under it.',
  sub: 'always',
  client: 'always',
} as const;

/** An application got tokens. */
export const tokensIssued = {
  name: 'tokens.issued',
  description:
    'An application got tokens: from the token endpoint, refreshes included, or an access token or an ID token in an authorization response, each told by itself. What app_authorized is in Django OAuth Toolkit.',
  sub: 'sometimes',
  client: 'always',
  detail: {
    grant_type: {
      kind: 'text',
      description: 'grant type; implicit for tokens in an authorization response',
    },
    scope: {
      kind: 'text',
      nullable: true,
      description: 'scopes of the access token; null for an ID token in an authorization response',
    },
  },
} as const;

/** A token was revoked. */
export const tokenRevoked = {
  name: 'token.revoked',
  description:
    'An application (RFC 7009) or an operator ended a token, and all that descend from the same sign-in.',
  sub: 'sometimes',
  client: 'always',
} as const;

/** A client did not prove itself. */
export const clientAuthenticationFailed = {
  name: 'client_authentication.failed',
  description:
    'The credentials of an application were refused. The audit log has a row where the application is known.',
  client: 'sometimes',
  reason: 'always',
  stored: 'sometimes',
} as const;

/** A request was refused. */
export const requestRefused = {
  name: 'request.refused',
  description:
    'An authorization request was refused to the application that sent it, or a code or a token was presented by another application than its own. The audit log has a row of the latter. All other refusals are in the log alone.',
  sub: 'sometimes',
  client: 'sometimes',
  reason: 'always',
  stored: 'sometimes',
} as const;

/** A client was registered. */
export const clientCreated = {
  name: 'client.created',
  description: 'An application was registered.',
  client: 'always',
  detail: {
    by: {
      kind: 'text',
      choices: ['manual', 'configuration', 'dynamic', 'open', 'metadata_document'],
      description:
        'who did: an operator, the configuration, itself with an initial access token, itself without one, a person who allowed something to one that describes itself',
    },
  },
} as const;

/** A client was changed. */
export const clientUpdated = {
  name: 'client.updated',
  description: 'An application was changed, disabled or enabled, or its secret was rotated.',
  client: 'always',
  detail: {
    by: {
      kind: 'text',
      choices: ['manual', 'configuration', 'itself', 'metadata_document'],
      description: 'who did: an operator, the configuration, itself, what it says of itself',
    },
    changed: {
      kind: 'text',
      description:
        'names of the fields that changed, separated by spaces; also secrets, disabled, registration',
    },
    disabled: { kind: 'flag', description: 'true: it is disabled now' },
    secret: {
      kind: 'text',
      nullable: true,
      choices: ['rotated'],
      description: 'rotated: it got a new secret that was made here',
    },
  },
} as const;

/** A client was deleted. */
export const clientDeleted = {
  name: 'client.deleted',
  description:
    'An application was deleted, with all that was issued to it. The reason unused: it registered itself, and nobody used it.',
  client: 'always',
  reason: 'sometimes',
} as const;

/** An initial access token was made. */
export const initialAccessTokenCreated = {
  name: 'initial_access_token.created',
  description: 'An operator made a token with which applications register themselves.',
  detail: {
    id: { kind: 'text', description: 'its id' },
    uses: { kind: 'number', description: 'applications that can be registered with it' },
  },
} as const;

/** An initial access token was deleted. */
export const initialAccessTokenDeleted = {
  name: 'initial_access_token.deleted',
  description: 'An operator deleted such a token.',
  detail: { id: { kind: 'text', description: 'its id' } },
} as const;

/** An API was registered. */
export const resourceCreated = {
  name: 'resource.created',
  description: 'An operator registered an API that tokens are issued for.',
  detail: { resource: { kind: 'text', description: 'its identifier' } },
} as const;

/** An API was changed. */
export const resourceUpdated = {
  name: 'resource.updated',
  description: 'An operator changed what is registered of an API.',
  detail: {
    resource: { kind: 'text', description: 'its identifier' },
    changed: { kind: 'text', description: 'members that changed, without their values' },
  },
} as const;

/** An API was deleted. */
export const resourceDeleted = {
  name: 'resource.deleted',
  description: 'An operator took an API out of the registry: no tokens are issued for it any more.',
  detail: { resource: { kind: 'text', description: 'its identifier' } },
} as const;

/** Everything of a subject ended. */
export const subjectRevoked = {
  name: 'subject.revoked',
  description: 'All sessions, codes and tokens of a person ended, in all browsers and devices.',
  sub: 'always',
  reason: 'sometimes',
} as const;

/** A subject was disabled. */
export const subjectDisabled = {
  name: 'subject.disabled',
  description: 'An account was disabled; its sessions, codes and tokens ended.',
  sub: 'always',
  reason: 'sometimes',
} as const;

/** A subject was enabled. */
export const subjectEnabled = {
  name: 'subject.enabled',
  description: 'An account was enabled again.',
  sub: 'always',
} as const;

/** A subject was created. */
export const subjectCreated = {
  name: 'subject.created',
  description: 'An operator, or the host, created an account.',
  sub: 'always',
} as const;

/** A subject was changed. */
export const subjectUpdated = {
  name: 'subject.updated',
  description: 'An operator, or the host, changed the claims of an account.',
  sub: 'always',
  detail: {
    changed: { kind: 'text', description: 'names of the claims, separated by spaces' },
  },
} as const;

/** A subject was deleted. */
export const subjectDeleted = {
  name: 'subject.deleted',
  description:
    'An account was deleted. What that ended is told before: subject.revoked, authorization.revoked.',
  sub: 'always',
} as const;

/** The lock of an account was lifted. */
export const subjectUnlocked = {
  name: 'subject.unlocked',
  description: 'An operator lifted the lock that wrong passwords had put on an account.',
  detail: { username: { kind: 'text', description: 'the name that the operator gave' } },
} as const;

/** Keys were made or moved. */
export const keysRotated = {
  name: 'keys.rotated',
  description: 'Keys were made, took over, or left the key set.',
  detail: {
    scheduled: { kind: 'flag', description: 'true: the schedule asked for it, not an operator' },
    emergency: { kind: 'flag', description: 'true: the old keys were removed at once' },
    immediate: { kind: 'flag', description: 'true: the new keys sign at once' },
  },
} as const;

/** An application could not be told. */
export const deliveryFailed = {
  name: 'delivery.failed',
  description:
    'An application could not be told of the end of a session (back-channel logout), and the last attempt is over.',
  sub: 'always',
  client: 'always',
  reason: 'always',
  detail: {
    kind: { kind: 'text', description: 'what it was to be told' },
    about: { kind: 'text', nullable: true, description: 'the session, as ID tokens name it' },
    attempts: { kind: 'number', description: 'attempts that were made' },
  },
} as const;

/** All events of the core. Features add their own (`Contributions.events`). */
export const CORE_EVENTS: readonly EventDefinition[] = [
  loginSucceeded,
  loginFailed,
  loginLimited,
  sessionStarted,
  loggedOut,
  authorizationGranted,
  authorizationDenied,
  authorizationRevoked,
  tokensIssued,
  tokenRevoked,
  clientAuthenticationFailed,
  requestRefused,
  clientCreated,
  clientUpdated,
  clientDeleted,
  initialAccessTokenCreated,
  initialAccessTokenDeleted,
  resourceCreated,
  resourceUpdated,
  resourceDeleted,
  subjectCreated,
  subjectUpdated,
  subjectRevoked,
  subjectDisabled,
  subjectEnabled,
  subjectDeleted,
  subjectUnlocked,
  keysRotated,
  deliveryFailed,
];
