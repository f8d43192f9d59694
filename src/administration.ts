/**
 * What operators and hosts can do about people and tokens, outside of any request: end, withdraw,
 * look at. Each act has its row in the audit log.
 */

import { sha256 } from './crypto/bytes.ts';
import { findLiveAccessToken } from './domain/access-tokens.ts';
import { withdrawAuthorization } from './domain/authorizations.ts';
import type { Context } from './domain/context.ts';
import {
  subjectCreated,
  subjectDeleted,
  subjectDisabled,
  subjectEnabled,
  subjectRevoked,
  subjectUnlocked,
  subjectUpdated,
  tokenRevoked,
} from './domain/event-definitions.ts';
import { issuedToThis } from './domain/former-clients.ts';
import { endSessionElsewhere, rememberEnds } from './domain/host-sessions.ts';
import { accountKeyOf, canonicalUsername } from './domain/login.ts';
import type { RateLimitKey } from './domain/rate-limiter.ts';
import { familyIdOf, judge } from './domain/refresh-tokens.ts';
import { liveSessions } from './domain/sessions.ts';
import { type DescribedAccessToken, describeAccessToken } from './engine/described-token.ts';
import type { DescribingContext } from './engine/token-claims.ts';
import type { Authorization, Seconds, Session } from './store/records.ts';

/** What can be done about a person. */
export interface Subjects {
  /** Says in the audit log that an account was created. Create the account first. */
  create(sub: string): Promise<void>;
  /**
   * Says in the audit log which claims of an account were changed, without their values. Change the
   * account first.
   */
  update(sub: string, claims: readonly string[]): Promise<void>;
  /**
   * Ends every session, code and token of a subject: account disabled, password changed, "sign out
   * everywhere".
   * @param reason stands in the audit log
   */
  revoke(sub: string, reason?: string): Promise<void>;
  /**
   * Ends what `revoke` ends, of a subject whose account was disabled, and says so in the audit log.
   * Disable the account first.
   */
  disable(sub: string, reason?: string): Promise<void>;
  /** Says in the audit log that an account is enabled again. */
  enable(sub: string): Promise<void>;
  /**
   * Ends everything of a subject whose account was deleted: what `revoke` ends, and everything that
   * the subject allowed. Delete the account first.
   */
  delete(sub: string): Promise<void>;
  /** What a subject allows, to which client. */
  consents(sub: string): Promise<readonly Authorization[]>;
  /**
   * Withdraws what a subject allowed a client, with every token under it. False when there was
   * nothing.
   */
  withdraw(sub: string, clientId: string): Promise<boolean>;
  /** The sessions of a subject, in all browsers. */
  sessions(sub: string): Promise<readonly Session[]>;
  /** Ends one session by its `sid`, as a logout does. False when there is none. */
  endSession(sub: string, sid: string): Promise<boolean>;
  /**
   * Forgets the wrong passwords that were counted for an account, as the username spells it. The
   * owner can sign in within seconds, unless the network is locked as well.
   */
  unlock(username: string): Promise<void>;
  /** When the lock of an account with too many wrong passwords ends; null when it is not locked. */
  lockedUntil(username: string): Promise<Seconds | null>;
}

/** What a token is worth. */
export interface TokenInfo {
  /** Which kind it is. */
  readonly kind: 'access_token' | 'refresh_token';
  /** `active`, or why it is not. */
  readonly state: string;
  /** The client it was issued to. */
  readonly clientId: string;
  /** The subject; null when it acts for the client itself. */
  readonly sub: string | null;
  /** What it allows. */
  readonly scopes: readonly string[];
  /** When it was issued, in seconds. */
  readonly issuedAt: Seconds;
  /** When it ends, in seconds. */
  readonly expiresAt: Seconds;
}

/** What can be done about one token. */
export interface Tokens {
  /** What a token is worth now; null when it was never issued here, or is gone. */
  inspect(token: string): Promise<TokenInfo | null>;
  /**
   * What the introspection endpoint tells a resource server of a live access token (RFC 7662 §2.2);
   * null for anything else, also for refresh tokens.
   */
  introspect(token: string): Promise<DescribedAccessToken | null>;
  /** Ends a token, and all that descend from the same sign-in. False when there is none. */
  revoke(token: string): Promise<boolean>;
}

export function subjectsOf(ctx: Context): Subjects {
  const { authorizations, tokens } = ctx.store;
  const end = async (
    event: typeof subjectRevoked | typeof subjectDisabled,
    sub: string,
    reason: string | null = null,
  ): Promise<void> => {
    const { sessions: ended } = await ctx.events.act(
      event,
      { sub, reason },
      async (row) => await tokens.revokeSubject(sub, ctx.now(), row),
      () => true,
    );
    ctx.deliveries.wake();
    await rememberEnds(ctx, ended);
  };
  const revoke = async (sub: string, reason?: string): Promise<void> =>
    await end(subjectRevoked, sub, reason);
  const keyOf = async (username: string): Promise<RateLimitKey> => [
    'login',
    await accountKeyOf(ctx, canonicalUsername(username)),
  ];
  return {
    async create(sub) {
      ctx.events.record(subjectCreated, { sub });
    },
    async update(sub, claims) {
      ctx.events.record(subjectUpdated, { sub, detail: { changed: claims.join(' ') } });
    },
    revoke,
    disable: async (sub, reason) => await end(subjectDisabled, sub, reason),
    async enable(sub) {
      ctx.events.record(subjectEnabled, { sub });
    },
    async delete(sub) {
      await revoke(sub);
      for (const { clientId } of await authorizations.listBySubject(sub))
        await withdrawAuthorization(ctx, sub, clientId);
      ctx.events.record(subjectDeleted, { sub });
    },
    consents: async (sub) => await authorizations.listBySubject(sub),
    withdraw: async (sub, clientId) => await withdrawAuthorization(ctx, sub, clientId),
    sessions: async (sub) => await liveSessions(ctx, sub),
    async endSession(sub, sid) {
      const session = (await liveSessions(ctx, sub)).find((one) => one.sid === sid);
      return session !== undefined && (await endSessionElsewhere(ctx, session));
    },
    async unlock(username) {
      await ctx.rateLimiter.forgive(await keyOf(username));
      ctx.events.record(subjectUnlocked, { detail: { username } });
    },
    async lockedUntil(username) {
      const { login } = ctx.settings.rateLimits;
      return await ctx.rateLimiter.lockedUntil([await keyOf(username), login]);
    },
  };
}

export function tokensOf(ctx: Context & DescribingContext): Tokens {
  return {
    async inspect(text) {
      const found = await findLiveAccessToken(ctx, text);
      if (found === null) return await inspectRefreshToken(ctx, text);
      const { clientId, sub, scopes, issuedAt, expiresAt } = found.token;
      return {
        kind: 'access_token',
        state: 'active',
        clientId,
        sub,
        scopes,
        issuedAt,
        expiresAt,
      };
    },
    async introspect(text) {
      const found = await findLiveAccessToken(ctx, text);
      return found === null ? null : await describeAccessToken(ctx, found);
    },
    async revoke(text) {
      const familyId = familyIdOf(text);
      const { tokens } = ctx.store;
      if (familyId !== null) {
        const found = await tokens.findFamily(familyId);
        if (found === null || found.family.revokedAt !== null) return false;
        const { clientId, sub } = found.family;
        return await ctx.events.act(
          tokenRevoked,
          { clientId, sub },
          async (row) => await tokens.revokeFamily(familyId, ctx.now(), row),
        );
      }
      const found = await findLiveAccessToken(ctx, text);
      if (found === null) return false;
      const { clientId, sub } = found.token;
      return await ctx.events.act(
        tokenRevoked,
        { clientId, sub },
        async (row) => await tokens.revokeAccessToken(sha256(text), clientId, ctx.now(), row),
      );
    },
  };
}

async function inspectRefreshToken(ctx: Context, text: string): Promise<TokenInfo | null> {
  const familyId = familyIdOf(text);
  const found = familyId === null ? null : await ctx.store.tokens.findFamily(familyId);
  if (found === null) return null;
  const judged = judge(text, found, 0, ctx.now());
  const { family } = judged;
  const client = await ctx.clients.findEnabled(family.clientId);
  const isKnown = client !== null && issuedToThis(client, family.createdAt);
  const state =
    judged.is === 'dead' ? judged.because : judged.is === 'live' ? 'active' : 'replaced';
  return {
    kind: 'refresh_token',
    state: isKnown ? state : 'client_disabled',
    clientId: family.clientId,
    sub: family.sub,
    scopes: family.scopes,
    issuedAt: family.rotatedAt ?? family.createdAt,
    expiresAt: family.refreshExpiresAt ?? family.expiresAt,
  };
}
