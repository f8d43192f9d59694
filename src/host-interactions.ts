/** `provider.interactions`: how a host's own pages learn what is asked and give the answer. The rules are those of the built-in pages. */
import type { Context } from './domain/context.ts';
import { type Interaction, isCodeForgotten, isStale, restarted } from './domain/interactions.ts';
import type { ClientView, ScopeView } from './domain/pages.ts';
import type { Login } from './domain/sessions.ts';
import { allow, completeLogin, deny } from './endpoints/authorization-answers.ts';
import { accountName, destinationOf, evaluate, resume } from './endpoints/authorization-flow.ts';
import type { Call, CallInfo } from './web/call.ts';
import { clientView } from './web/page.ts';

/** What a host's page may want to know. */
export interface InteractionDetails {
  /** The page that is due: login, account, consent; done when none is. */
  readonly step: 'login' | 'account' | 'consent' | 'refuse' | 'done';
  /** Why it is due, e.g. `no_session`, `prompt_login`, `max_age`, `missing_scopes`. */
  readonly because: string | null;
  /** Who asks. */
  readonly client: ClientView;
  /** What is asked for, in plain words. */
  readonly scopes: readonly ScopeView[];
  /** What to put into a username field (`login_hint`). */
  readonly loginHint: string | null;
  /** Wanted languages, best first. */
  readonly uiLocales: readonly string[];
  /** Authentication contexts the client would like (`acr_values`), best first; say which was reached in `Login.acr`. */
  readonly acrValues: readonly string[];
  /** Who is signed in here, if anybody is. */
  readonly sub: string | null;
  /** Their human name; empty when nobody is signed in. */
  readonly accountName: string;
}

/**
 * Every method reads the `interaction` parameter from the request's URL and holds it to the browser that began it; protect your own
 * forms against cross-site requests as you do elsewhere. Each answer resolves to the response to send.
 */
export interface Interactions {
  /** @throws OAuthError when the request names no interaction of this browser */
  details(request: Request): Promise<InteractionDetails>;
  /**
   * The user is who you say: starts a session here and goes on. `info` tells the log who the peer is.
   * @throws OAuthError also when the account is not there or disabled
   */
  login(request: Request, login: Login, info?: CallInfo): Promise<Response>;
  /**
   * The user allows what is asked. `scopes` are those your page showed and the user allowed; when they are not all that is asked for, the
   * client gets `access_denied`. Without `scopes` all that is asked for now is allowed, which a change of the client may have made more.
   * @throws OAuthError as `details`
   */
  consent(request: Request, scopes?: readonly string[], info?: CallInfo): Promise<Response>;
  /** The user declines: the client gets `access_denied`. @throws OAuthError as `details` */
  deny(request: Request, info?: CallInfo): Promise<Response>;
}

export function createInteractions(
  ctx: Context,
  callOf: (request: Request, info: CallInfo) => Call,
): Interactions {
  const open = async (
    request: Request,
    info: CallInfo = {},
  ): Promise<{ readonly call: Call; readonly interaction: Interaction }> => {
    const call = callOf(request, info);
    const opened = await resume(ctx, call, call.query().get('interaction'), 'authorize');
    return {
      call,
      interaction:
        isStale(ctx, opened) || isCodeForgotten(ctx, opened) ? restarted(ctx, opened) : opened,
    };
  };
  return {
    async details(request) {
      const { call, interaction } = await open(request);
      const flow = await evaluate(ctx, call, interaction, await destinationOf(ctx, interaction));
      return {
        step: flow.step.step,
        because: 'because' in flow.step ? flow.step.because : null,
        client: clientView(flow.proven.client, flow.request.destination.redirectUri),
        scopes: flow.request.scopes.map((name) => ({
          name,
          description: ctx.settings.scopes.get(name)?.description ?? name,
        })),
        loginHint: flow.request.loginHint,
        uiLocales: flow.request.uiLocales,
        acrValues: flow.request.acrValues,
        sub: flow.session?.sub ?? null,
        accountName: accountName(flow.account),
      };
    },
    async login(request, login, info) {
      const { call, interaction } = await open(request, info);
      return await completeLogin(ctx, call, interaction, login);
    },
    async consent(request, scopes, info) {
      const { call, interaction } = await open(request, info);
      return await allow(ctx, call, interaction, scopes ?? null);
    },
    async deny(request, info) {
      const { call, interaction } = await open(request, info);
      return await deny(ctx, call, interaction);
    },
  };
}
