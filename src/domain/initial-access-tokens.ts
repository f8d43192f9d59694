/**
 * Initial access tokens (RFC 7591 §3): operators make them, and whoever holds one can register as
 * many clients as it has uses. Only their digests are stored.
 */

import { sha256 } from '../crypto/bytes.ts';
import { base64url, newHandle, parseHandle } from '../crypto/handles.ts';
import type { InitialAccessToken, Seconds } from '../store/records.ts';
import type { Context } from './context.ts';
import { initialAccessTokenCreated, initialAccessTokenDeleted } from './event-definitions.ts';

const HANDLE = 'vkia_';

/** What an initial access token is made for. */
export interface NewInitialAccessToken {
  /** What operators know it by, 1 to 255 characters. */
  readonly name: string;
  /** How many clients can be registered with it. @default 1 */
  readonly uses?: number;
  /** Seconds until it is refused. @default 604800, seven days */
  readonly lifetime?: Seconds;
}

/** A token just made, in clear: the only time it is seen. */
export interface MadeInitialAccessToken {
  /** What clients send as bearer token to the registration endpoint. */
  readonly token: string;
  /** The token as stored. */
  readonly record: InitialAccessToken;
}

/** What can be done about initial access tokens. */
export interface InitialAccessTokens {
  /** Makes a token. @throws RangeError for a name, uses or lifetime that cannot be */
  create(wanted: NewInitialAccessToken): Promise<MadeInitialAccessToken>;
  /** In order of id. Used up and expired ones are listed until they are cleared. */
  list(page: {
    readonly after?: string;
    readonly limit: number;
  }): Promise<readonly InitialAccessToken[]>;
  /** Deletes a token by its id. False when there is none. Clients registered with it stay. */
  delete(id: string): Promise<boolean>;
}

const WEEK = 7 * 24 * 3600;
const MOST_USES = 1_000_000;
/** Ten years. */
const LONGEST_LIFE = 10 * 366 * 24 * 3600;

export function initialAccessTokensOf(ctx: Context): InitialAccessTokens {
  const { initialAccessTokens: store } = ctx.store;
  return {
    async create({ name, uses = 1, lifetime = WEEK }) {
      if (name.trim() === '' || name.length > 255)
        throw new RangeError('The name must be 1 to 255 characters long.');
      requireWhole('uses', uses, MOST_USES);
      requireWhole('lifetime', lifetime, LONGEST_LIFE);
      const { random } = ctx.settings;
      const token = newHandle(HANDLE, random);
      const createdAt = ctx.now();
      const record: InitialAccessToken = {
        id: base64url(random(9)),
        digest: sha256(token),
        name: name.trim(),
        usesLeft: uses,
        createdAt,
        expiresAt: createdAt + lifetime,
      };
      await ctx.events.act(
        initialAccessTokenCreated,
        { detail: { id: record.id, uses } },
        async (row) => await store.insert(record, row),
        () => true,
      );
      return { token, record };
    },
    list: async (page) => await store.list(page),
    delete: async (id) =>
      await ctx.events.act(
        initialAccessTokenDeleted,
        { detail: { id } },
        async (row) => await store.delete(id, row),
      ),
  };
}

function requireWhole(what: string, value: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > most)
    throw new RangeError(`The ${what} must be a whole number from 1 to ${most}.`);
}

/** The token of a text that can still be used; null for any other text. */
export async function usableToken(
  { store, now }: Context,
  text: string,
): Promise<InitialAccessToken | null> {
  if (parseHandle(HANDLE, text) === null) return null;
  const token = await store.initialAccessTokens.find(sha256(text));
  return token !== null && token.usesLeft > 0 && token.expiresAt > now() ? token : null;
}
