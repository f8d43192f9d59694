/**
 * The port to the people who sign in. The provider keeps no users: it asks here.
 * `valetkey/accounts` implements it with passwords in the same database; a host implements `find`
 * over its own users.
 */

/** A person (or anything else that signs in). */
export interface Account {
  /** Subject identifier, at most 255 ASCII characters, never reassigned (OIDC Core §2). */
  readonly sub: string;
  /**
   * False: no sign-in, code exchange, refresh or userinfo, and introspection answers `active:
   * false`.
   */
  readonly enabled: boolean;
  /**
   * Claims by their OpenID Connect names (`name`, `email`, `email_verified`, `address` …) and any
   * of the host's own. `sub` is ignored.
   */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What the built-in login form collected. */
export interface Credentials {
  /** As typed, NFKC-normalised and trimmed. */
  readonly username: string;
  /** As typed. */
  readonly password: string;
}

/** An account proven by credentials, with how it was proven. */
export interface Authenticated {
  /** Who was proven. */
  readonly account: Account;
  /** Authentication methods (RFC 8176), e.g. `['pwd']`. */
  readonly amr: readonly string[];
  /** Authentication context that was reached (OIDC Core §2). */
  readonly acr?: string;
}

/** Who is signed in to a host that keeps sessions of its own. */
export interface HostSession {
  /** Who. */
  readonly sub: string;
  /** Name of this session at the host; each login has another one. We keep a digest of it. */
  readonly sessionId: string;
  /** When the person proved who they are, in seconds; not when a cookie was refreshed. */
  readonly authTime: number;
  /** Authentication context that was reached (OIDC Core §2). */
  readonly acr?: string;
  /** Authentication methods (RFC 8176). @default [] */
  readonly amr?: readonly string[];
}

/** The people who can sign in, as a host keeps them. */
export interface Accounts {
  /**
   * The account of this subject; null when there is none. Called on sign-in, code exchange,
   * refresh, userinfo and introspection, and with a client_id that somebody chose, which may be any
   * printable text: a client_id must be nobody's subject.
   */
  find(sub: string): Promise<Account | null>;
  /**
   * Authentication contexts that a login can reach (OIDC Core §2), best last; discovery announces
   * them. A request for one of them that the session lacks asks for another login. @default none
   */
  readonly acrValues?: readonly string[];
  /**
   * Proves credentials for the built-in login page; null when they prove nothing. It must take the
   * same time for unknown users. Absent: the host signs people in on a page of its own
   * (`pages.login` as a URL).
   */
  authenticate?(credentials: Credentials): Promise<Authenticated | null>;
  /**
   * One canonical key per account for counting failed attempts, however the name was typed. It is
   * asked before the attempt is counted, so it must cost little, and as much for unknown names.
   * @default the lower-cased username
   */
  canonical?(username: string): string | Promise<string>;
  /**
   * Who is signed in to the host in this browser; null: nobody. Give it when your application keeps
   * sessions: the provider then keeps none of its own, and asks at the authorization endpoint, at
   * every page and at logout. Needs `pages.login` as a URL.
   * @param request what the browser sent, cookies included; the body may have been read
   * @param native the request as the host's framework has it, where its adapter hands it on
   */
  current?(request: Request, native: unknown): Promise<HostSession | null>;
  /**
   * Ends the host's own session after a logout at the provider. The headers it resolves to
   * (Set-Cookie) go to the browser. Without it the provider treats this login as ended, even while
   * `current` still names it.
   */
  signOut?(session: HostSession, request: Request, native: unknown): Promise<Headers | null>;
}

/** The account of a subject, if it exists and is enabled; else null. */
export async function findEnabledAccount(accounts: Accounts, sub: string): Promise<Account | null> {
  const account = await accounts.find(sub);
  return account?.enabled === true ? account : null;
}

/** The human name of an account, for pages. */
export function accountName(account: Account | null): string {
  for (const name of ['name', 'preferred_username', 'email']) {
    const value = account?.claims[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return account?.sub ?? '';
}
