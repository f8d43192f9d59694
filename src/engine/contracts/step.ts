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
  /** The client that asks. */
  readonly client: Client;
  /** What it asks for. */
  readonly request: AuthorizationRequest;
  /** The `sub` by which the client knows who is signed in; null when nobody is. */
  readonly subject: string | null;
  /** Where the answer goes; null when a page of ours is the answer. */
  readonly redirectUri: string | null;
  /** The browser's session with an account that exists and is enabled; else null. */
  readonly session: Session | null;
  /** True when the host keeps the session (`accounts.current`). */
  readonly hosted: boolean;
  /** The account of the session; null without a session. */
  readonly account: Account | null;
  /** What the subject allowed this client before. */
  readonly authorization: Authorization | null;
  /** Scopes that they allowed so long ago that they count no longer. @default none */
  readonly expiredScopes?: readonly string[];
  /** The interaction as it was when the page was drawn. */
  readonly interaction: Interaction;
  /** The current time. */
  readonly now: Seconds;
}

/** Why a step is due. */
export interface Due {
  /** The reason, in a word. Its page may depend on it. */
  readonly because: string;
  /** Given when no page can help: the request is refused with this error. */
  readonly refuse?: OAuthError;
}

/** The step is answered. It is asked again whether it is due. */
export interface Answered {
  /** Says that the step is answered. */
  readonly outcome: 'answered';
  /** What the step keeps in the interaction. JSON values only. */
  readonly state: unknown;
}

/** Somebody proved who they are. */
export interface SignedIn {
  /** Says that somebody signed in. */
  readonly outcome: 'signed_in';
  /** Who, when and how. */
  readonly login: Login;
  /** Values of `Set-Cookie` for the answer. @default none */
  readonly cookies?: readonly string[];
}

/** The user goes on with the account that is signed in, or wants to sign in as somebody else. */
export interface AccountDecision {
  /** Which of the two. */
  readonly outcome: 'account_chosen' | 'switch_account';
}

/** The page is shown again. */
export interface ShownAgain {
  /** Says that the page is shown again. */
  readonly outcome: 'again';
  /** What the page says. */
  readonly notice: Notice;
}

/** The user declined. */
export interface Declined {
  /** Says that the user declined. */
  readonly outcome: 'declined';
  /** What the client is told. */
  readonly error: OAuthError;
}

/** What an answer means. */
export type StepOutcome = Answered | SignedIn | AccountDecision | ShownAgain | Declined;

/** What a page shown again says, as its step understands it. */
export interface Notice {
  /** Why the page is shown again. The template of the step knows the values. */
  readonly problem: string;
  /** HTTP status of the page. @default 200 */
  readonly status?: number;
  /** Headers of the page. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** What was typed and stands there again. */
  readonly typed?: string;
  /** Seconds to wait. @default none */
  readonly retryAfter?: number;
}

/** An answer that was posted, or given by a host's own page. */
export interface PostedAnswer {
  /** Value of `decision`. */
  readonly decision: string;
  /** All fields of the form. */
  readonly params: Params;
  /** The interaction that the form carries. */
  readonly interaction: Interaction;
  /** The session of the browser; null when nobody is signed in. */
  readonly session: Session | null;
  /** The facts as they are now. @throws OAuthError */
  situation(): Promise<Situation>;
}

/** A step with a page whose view has the type `View`. */
export interface Step<View extends StepView = StepView> {
  /** Name of the step, by which others refer to it. */
  readonly name: string;
  /** Names of the flows in which it stands. @default all */
  readonly flows?: readonly string[];
  /** Name of the step before which it is asked. @default not before any */
  readonly before?: string;
  /** Name of the step after which it is asked. @default after all others */
  readonly after?: string;
  /** The value of `prompt` by which clients ask for it, beside those of the core. @default none */
  readonly prompt?: string;
  /** The error under `prompt=none` (OIDC Core §3.1.2.6). */
  readonly silentError: ErrorCode;
  /** Its page. */
  readonly page: PageDefinition<View>;
  /**
   * It signs people in, so its form holds for any session of the browser, and it is not over before
   * somebody signed in.
   * @default false
   */
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
