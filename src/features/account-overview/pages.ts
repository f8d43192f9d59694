/** The page where people see what they are signed in to and what they allowed. */
import type { AddressView, ClientView, FormView, PageView, ScopeView } from '../../domain/pages.ts';
import { definePage, type PageDefinition } from '../../web/page.ts';

/** A browser in which somebody is signed in. */
export interface OwnSessionView {
  /** Names the session in `decision`. */
  readonly sid: string;
  /** When they proved who they are, in seconds. */
  readonly signedInAt: number;
  /** When that browser last used it, in seconds. */
  readonly usedAt: number;
  /** True of the browser that reads the page. */
  readonly isThisOne: boolean;
}

/** An application that somebody lets into their account. */
export interface AllowedClientView {
  /** The application. */
  readonly client: ClientView;
  /** What it may do; empty for an application that asked nobody. */
  readonly scopes: readonly ScopeView[];
  /** When it was first allowed, in seconds. */
  readonly since: number;
  /** Where a sign-in to it begins (`initiate_login_uri`); null when it did not say. */
  readonly start: AddressView | null;
}

/**
 * Sessions and applications of the person who is signed in. Submit `decision` = `end` and the `sid`
 * after a space, `end-others`, or `withdraw` and the `client_id` after a space.
 */
export interface AccountOverviewView extends PageView {
  /** Human name of the account. */
  readonly accountName: string;
  /** The form of the page. */
  readonly form: FormView;
  /** Where they are signed in, the latest first. */
  readonly sessions: readonly OwnSessionView[];
  /** What they let into their account. */
  readonly applications: readonly AllowedClientView[];
}

export const accountOverviewPage: PageDefinition<AccountOverviewView> =
  definePage('accountOverview');
