/** The pages of logout: question and result. */
import type { AddressView, ClientView, FormView, PageView } from '../../domain/pages.ts';
import { definePage, type PageDefinition } from '../../web/page.ts';

/** Asks whether to sign out: submit `decision` = `logout` | `stay`. */
export interface LogoutView extends PageView {
  /** The application that asks; null when it did not say who it is. */
  readonly client: ClientView | null;
  /** Human name of the account that is signed in. */
  readonly accountName: string;
  /** The form of the page. */
  readonly form: FormView;
}

/** Tells whether the user is signed out. */
export interface SignedOutView extends PageView {
  /** The application that asked; null when it did not say who it is. */
  readonly client: ClientView | null;
  /** False when the user chose to stay signed in. */
  readonly signedOut: boolean;
  /** Where somebody goes on who came from no application: the root of our origin. */
  readonly homeUrl: string;
  /** Where the application expects the reader, who may follow; null where nobody is to choose. */
  readonly returnTo: AddressView | null;
  /** Addresses of applications that the page loads in frames, unseen: they end their sessions. */
  readonly frames: readonly string[];
}

export const logoutPage: PageDefinition<LogoutView> = definePage('logout');
export const signedOutPage: PageDefinition<SignedOutView> = definePage('signedOut');
