/** The part of the store port that keeps clients, when they were used, and who may register. */
import type { ActRow, Client, Digest, InitialAccessToken, Seconds } from './records.ts';

/** True for an enabled client that nobody used until its end. */
export function isExpired({ expiresAt = null, disabledAt }: Client, now: Seconds): boolean {
  return expiresAt !== null && expiresAt <= now && disabledAt === null;
}

/** Registered clients. */
export interface ClientStore {
  /** The client, disabled or not. */
  find(clientId: string): Promise<Client | null>;
  /** One atomic act: false when the client_id is taken, and then nothing changes. */
  insert(client: Client, audit: ActRow): Promise<boolean>;
  /**
   * One atomic act: uses an initial access token and stores the client. False, and nothing changes,
   * when the token is unknown, expired or has no use left: of any number of concurrent calls no
   * more succeed than it has uses.
   * @param client has a random client_id
   */
  register(client: Client, token: Digest, now: Seconds, audit: ActRow): Promise<boolean>;
  /**
   * Compare and swap: replaces the whole record only if the stored one has the version before
   * `client.version`. Of any number of concurrent changes of one version exactly one sees true;
   * false also when there is none. Its end (`expiresAt`) stays as `used` left it, unless the new
   * record has none.
   */
  replace(client: Client, audit: ActRow): Promise<boolean>;
  /**
   * Deletes the client and every authorization of it, in one transaction. What stood under them is
   * dead from then on, and goes when it expires. False when there was none.
   * @param only deletes it only if all of this holds
   */
  delete(clientId: string, audit: ActRow, only?: DeletedOnly): Promise<boolean>;
  /**
   * Notes that a client was used: each time of use moves forward, never backward, and so does its
   * end if it has one. It changes no version and never re-creates.
   */
  used(clientId: string, use: ClientUse): Promise<void>;
  /** When the client and its secrets were last used, as far as that was noted. */
  uses(clientId: string): Promise<ClientUses>;
  /** The ids of clients that expired by `now` and are not disabled, at most `limit`. */
  expired(now: Seconds, limit: number): Promise<readonly string[]>;
  /** In order of client_id, after `after` (exclusive), at most `limit`. */
  list(page: {
    readonly after?: string;
    readonly limit: number;
    readonly owner?: string;
  }): Promise<readonly Client[]>;
}

/** What must hold for a client to be deleted. */
export interface DeletedOnly {
  /** It still has this version. */
  readonly version?: number;
  /** It expired by this time, and is not disabled. */
  readonly expiredBy?: Seconds;
}

/** One use of a client. */
export interface ClientUse {
  /** When; null notes no use and moves the end alone. */
  readonly at: Seconds | null;
  /** Id of the secret that proved it; null without one. */
  readonly secret: string | null;
  /** The end of a client that expires unless it is used; null leaves it. */
  readonly expiresAt: Seconds | null;
}

/** When a client was last used. */
export interface ClientUses {
  /** The last use of any kind; null when none was noted. */
  readonly at: Seconds | null;
  /** The last use of each secret, by the id of the secret. */
  readonly secrets: Readonly<Record<string, Seconds>>;
}

/** Tokens that let clients register themselves. They are used by `clients.register`. */
export interface InitialAccessTokenStore {
  /** Stores a token. */
  insert(token: InitialAccessToken, audit: ActRow): Promise<void>;
  /** The token of a digest, used up or expired or not. */
  find(digest: Digest): Promise<InitialAccessToken | null>;
  /** In order of id, after `after` (exclusive), at most `limit`. */
  list(page: {
    readonly after?: string;
    readonly limit: number;
  }): Promise<readonly InitialAccessToken[]>;
  /** Deletes the token of an id. False when there was none. */
  delete(id: string, audit: ActRow): Promise<boolean>;
}
