/**
 * The contract of a step: a pause for a human before an authorization is done. A step says when it
 * is due and why, what its page shows, and what an answer means. It returns outcomes; the driver
 * turns them into responses, and no page leads to another.
 */
import type { Account } from '../../domain/accounts.ts';
import type { Interaction } from '../../domain/interactions.ts';
import type { StepView } from '../../domain/pages.ts';
import type { Login } from '../../domain/sessions.ts';
import type { AuthorizationRequest } from '../../protocol/authorization-request.ts';
import { type ErrorCode, OAuthError } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/params.ts';
import type { Authorization, Client, Seconds, Session } from '../../store/records.ts';
import type { PageDefinition } from '../../web/page.ts';
import type { RequestContext } from '../../web/request.ts';

/** The facts that decide which step is due. */
export interface Situation {
  /** Name of the flow. */
  readonly flow: string;
  readonly client: Client;
  readonly request: AuthorizationRequest;
  /** Where the answer goes; null when a page of ours is the answer. */
  readonly redirectUri: string | null;
  /** The browser's session with an account that exists and is enabled; else null. */
  readonly session: Session | null;
  /** True when the host keeps the session (`accounts.current`). */
  readonly hosted: boolean;
  readonly account: Account | null;
  /** What the subject allowed this client before. */
  readonly authorization: Authorization | null;
  readonly interaction: Interaction;
  readonly now: Seconds;
}

/** Why a step is due; or that the request can only be refused. */
export type Due =
  | { readonly because: string }
  | { readonly because: string; readonly refuse: OAuthError };

/** What an answer means. */
export type StepOutcome =
  /** The step keeps this; it is asked again whether it is due. JSON values only. */
  | { readonly outcome: 'answered'; readonly state: unknown }
  /** Somebody proved who they are. */
  | {
      readonly outcome: 'signed_in';
      readonly login: Login;
      readonly cookies?: readonly string[];
    }
  /** The human goes on with the account that is signed in. */
  | { readonly outcome: 'account_chosen' }
  /** The human wants to sign in as somebody else. */
  | { readonly outcome: 'switch_account' }
  /** The page is shown again. */
  | { readonly outcome: 'again'; readonly notice: Notice }
  /** The human declined. */
  | { readonly outcome: 'declined'; readonly error: OAuthError };

/** What a page shown again says, as its step understands it. */
export interface Notice {
  readonly problem: string;
  /** HTTP status of the page. @default 200 */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** What was typed and stands there again. */
  readonly typed?: string;
  readonly retryAfter?: number;
}

/** An answer that was posted, or given by a host's own page. */
export interface PostedAnswer {
  /** Value of `decision`. */
  readonly decision: string;
  readonly params: Params;
  readonly interaction: Interaction;
  readonly session: Session | null;
  /** The facts as they are now. @throws OAuthError */
  situation(): Promise<Situation>;
}

/** A step with a page whose view has the type `View`. */
export interface Step<View extends StepView = StepView> {
  readonly name: string;
  /** Names of the flows in which it stands. @default all */
  readonly flows?: readonly string[];
  /** Name of the step before which, or after which, it is asked. @default after all others */
  readonly before?: string;
  readonly after?: string;
  /** The error under `prompt=none` (OIDC Core §3.1.2.6). */
  readonly silentError: ErrorCode;
  readonly page: PageDefinition<View>;
  /** Its form holds for any session of the browser, as a login form must. @default false */
  readonly anySession?: boolean;
  /** Why it is due; null when it is not. Pure. */
  due(situation: Situation): Due | null;
  /**
   * What its page shows that an answer must not exceed; it travels with the form. JSON values only.
   */
  shows?(situation: Situation): unknown;
  /** What its page shows besides what all pages of steps show. */
  view(
    ctx: RequestContext,
    situation: Situation,
    due: Due,
    notice: Notice | null,
  ): Omit<View, keyof StepView>;
  /** What an answer means. @throws OAuthError */
  answer(ctx: RequestContext, posted: PostedAnswer): Promise<StepOutcome>;
}

/** Makes a step for the list of a feature, which forgets the type of its view. */
export function defineStep<View extends StepView>(step: Step<View>): Step {
  return step as unknown as Step;
}

/**
 * The refusal of an answer that a step does not know. Its page shows it: the client did nothing
 * wrong.
 */
export function unknownDecision(): OAuthError {
  return new OAuthError(
    'invalid_request',
    'decision',
    'The form carries no decision that is known here.',
    { redirectable: false },
  );
}

/** What the client is told when the human said no (RFC 6749 §4.1.2.1). */
export function declined(): StepOutcome {
  const error = new OAuthError('access_denied', 'user_declined', 'The user declined.');
  return { outcome: 'declined', error };
}
