/** The pages of the device flow: entry of the code, confirmation, result. */
import type { ClientView, FormView, PageView, ScopeView, StepView } from '../../domain/pages.ts';
import { definePage, type PageDefinition } from '../../web/page.ts';

/** Where people type the code that the device shows: field `user_code`. */
export interface DeviceView extends PageView {
  /** The form of the page. */
  readonly form: FormView;
  /** What to put into the field. */
  readonly userCode: string;
  /** Why the page is shown again: no such code, or too many wrong ones; or null. */
  readonly problem: 'unknown' | 'limited' | null;
  /** Seconds to wait after too many wrong codes. */
  readonly retryAfter: number | null;
}

/**
 * Asks whether the device may have what it asks for: submit `decision` = `allow` | `deny`; `switch`
 * to sign in as somebody else.
 */
export interface DeviceConfirmationView extends StepView {
  /** Human name of the signed-in account. */
  readonly accountName: string;
  /** The code, to be compared with the one on the device. */
  readonly userCode: string;
  /** Scopes that the device asks for. */
  readonly scopes: readonly ScopeView[];
  /** The device may act while the user is away (`offline_access`). */
  readonly offline: boolean;
  /** The user may refuse single scopes, as on the consent page. */
  readonly partial: boolean;
  /** What it asks for beside scopes (RFC 9396), in plain words of the host. */
  readonly details: readonly string[];
  /**
   * Where the request came from: the words of the host (`place`), or an address; null: not known.
   */
  readonly place: string | null;
  /** Whether it came from the network of this browser; null where one of the two is not known. */
  readonly sameNetwork: boolean | null;
}

/** Tells what the user decided. */
export interface DeviceResultView extends PageView {
  /** The application on the device. */
  readonly client: ClientView;
  /** False when the user declined. */
  readonly allowed: boolean;
}

export const devicePage: PageDefinition<DeviceView> = definePage('device');
export const deviceConfirmationPage: PageDefinition<DeviceConfirmationView> =
  definePage('deviceConfirmation');
export const deviceResultPage: PageDefinition<DeviceResultView> = definePage('deviceResult');
