/**
 * Where people answer: the login, account and consent pages and their forms. GET draws the page that is due; POST takes a decision, checks it,
 * and hands back to the authorization endpoint. What an answer means is in `authorization-answers.ts`, for pages of hosts as well.
 */
import type { Context } from '../domain/context.ts';
import {
  formToken,
  type Interaction,
  isCodeForgotten,
  isDecisionExpired,
  isStale,
  restarted,
  sealInteraction,
  withDecision,
  withNewId,
} from '../domain/interactions.ts';
import { accountKeyOf, canonicalUsername, type ProvenLogin, proveLogin } from '../domain/login.ts';
import type { ConsentView, LoginView, PageView } from '../domain/pages.ts';
import { endpointUrl } from '../domain/urls.ts';
import { OAuthError } from '../protocol/errors.ts';
import { isKnownDevice, knownDeviceCookie } from '../web/browser.ts';
import type { Call } from '../web/call.ts';
import { requireOwnForm } from '../web/forms.ts';
import { clientView, page, pageView } from '../web/page.ts';
import { allow, completeLogin, deny } from './authorization-answers.ts';
import {
  accountName,
  answering,
  currentSession,
  destinationOf,
  evaluate,
  type Flow,
  redirectWithInteraction,
  resume,
} from './authorization-flow.ts';
import type { Endpoint } from './endpoint.ts';

export const interaction: Endpoint = {
  name: 'interaction',
  methods: ['GET', 'POST'],
  refuses: 'page',

  async handle(ctx, call) {
    if (call.method === 'POST') return await takeDecision(ctx, call);
    const opened = await resume(ctx, call, call.query().get('interaction'), 'authorize');
    const idle = isStale(ctx, opened);
    // What lay about in the history of the browser carries no decision on.
    const current = idle || isDecisionExpired(ctx, opened) ? restarted(ctx, opened) : opened;
    const proven = await destinationOf(ctx, current);
    return await answering(ctx, call, proven, async () => {
      const flow = await evaluate(ctx, call, current, proven);
      return await draw(ctx, call, flow, { problem: idle ? 'idle' : null });
    });
  },
};

interface Notice {
  readonly problem: LoginView['problem'];
  readonly username?: string;
  readonly retryAfter?: number;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The page of the step that is due; when none is, the authorization endpoint goes on. */
async function draw(ctx: Context, call: Call, flow: Flow, notice: Notice): Promise<Response> {
  const { step, interaction: current, proven, request, session } = flow;
  if (step.step === 'done' || step.step === 'refuse')
    return await redirectWithInteraction(ctx, call, current.purpose, current);
  const pageOrUrl = ctx.settings.pages[step.step];
  if (typeof pageOrUrl === 'string')
    return await redirectWithInteraction(
      ctx,
      call,
      new URL(pageOrUrl, ctx.settings.issuer),
      current,
    );
  // A page is drawn for the browser it is bound to, so that its form comes from there.
  if (current.browser === null)
    return await redirectWithInteraction(ctx, call, 'interaction', current);

  const boundSession = step.step === 'login' ? null : (session?.handle ?? null);
  const shared = {
    ...pageView(ctx, call, request.uiLocales),
    client: clientView(proven.client, request.destination.redirectUri),
    form: {
      action: endpointUrl(ctx.settings, 'interaction'),
      fields: {
        interaction: await sealInteraction(
          ctx,
          step.step === 'consent' ? { ...current, shown: request.scopes } : current,
          call.ip,
        ),
        step: step.step,
        token: formToken(ctx, { form: step.step, interaction: current, session: boundSession }),
      },
    },
  };
  const options = {
    formGoesTo: request.destination.redirectUri,
    status: notice.status ?? 200,
    headers: notice.headers ?? {},
  };
  const { pages } = ctx.settings;
  if (step.step === 'login' && typeof pages.login !== 'string') {
    const username = notice.username ?? request.loginHint ?? '';
    const { problem, retryAfter } = notice;
    return page(
      ctx,
      pages.login({
        ...shared,
        username,
        problem,
        retryAfter: retryAfter ?? null,
        again: session !== null && step.because !== 'switch_account',
        acrValues: request.acrValues,
      }),
      options,
    );
  }
  if (step.step === 'account') {
    return page(ctx, pages.account({ ...shared, accountName: accountName(flow.account) }), options);
  }
  if (step.step === 'consent' && typeof pages.consent !== 'string')
    return page(ctx, pages.consent(consentView(ctx, flow, shared)), options);
  throw new Error(`no page for the step ${step.step}`);
}

function consentView(
  ctx: Context,
  flow: Flow,
  shared: PageView & Pick<ConsentView, 'client' | 'form'>,
): ConsentView {
  const known = flow.authorization?.scopes ?? [];
  const views = flow.request.scopes
    .filter((name) => name !== 'offline_access')
    .map((name) => ({ name, description: ctx.settings.scopes.get(name)?.description ?? name }));
  return {
    ...shared,
    accountName: accountName(flow.account),
    newScopes: views.filter(({ name }) => !known.includes(name)),
    knownScopes: views.filter(({ name }) => known.includes(name)),
    offline: flow.request.scopes.includes('offline_access'),
  };
}

async function takeDecision(ctx: Context, call: Call): Promise<Response> {
  const form = await call.form();
  const opened = await resume(ctx, call, form.get('interaction'), 'authorize');
  const step = form.need('step');
  const { session } = await currentSession(ctx, call);
  const bound = step === 'login' ? null : (session?.handle ?? null);
  requireOwnForm(ctx, call, form.get('token'), { form: step, interaction: opened, session: bound });
  const current = renewedAsNeeded(ctx, opened);
  const decision = form.need('decision');
  switch (`${step} ${decision}`) {
    case 'login login':
      return await logIn(
        ctx,
        call,
        current,
        form.get('username') ?? '',
        form.get('password') ?? '',
      );
    case 'login cancel':
    case 'account cancel':
    case 'consent deny':
      return await deny(ctx, call, current);
    case 'account switch':
    case 'consent switch':
      return await redirectWithInteraction(
        ctx,
        call,
        current.purpose,
        withDecision(ctx, current, {
          switching: true,
          loginSession: null,
          chosen: null,
          consent: null,
        }),
      );
    case 'account continue':
      return await redirectWithInteraction(
        ctx,
        call,
        current.purpose,
        withDecision(ctx, current, { chosen: session?.sub ?? null }),
      );
    case 'consent allow':
      return await allow(ctx, call, current, null);
    default:
      throw new OAuthError(
        'invalid_request',
        'decision',
        'The form carries no decision that is known here.',
      );
  }
}

/** The page was open for long, but the decision is of now: it counts. */
function renewedAsNeeded(ctx: Context, opened: Interaction): Interaction {
  const { chosen, shown } = opened;
  if (isStale(ctx, opened)) return { ...restarted(ctx, opened), chosen, shown };
  return isCodeForgotten(ctx, opened) ? withNewId(ctx, opened) : opened;
}

async function logIn(
  ctx: Context,
  call: Call,
  current: Interaction,
  typed: string,
  password: string,
): Promise<Response> {
  const username = canonicalUsername(typed);
  const account = accountKeyOf(ctx, username);
  const browser = current.browser ?? '';
  const known = isKnownDevice(ctx, call, browser, account);
  let proven: ProvenLogin | null;
  try {
    proven = await proveLogin(ctx, {
      username,
      password,
      account,
      knownDevice: known ? browser : null,
      ip: call.ip,
    });
  } catch (error) {
    if (!(error instanceof OAuthError) || error.status !== 429) throw error;
    const { headers } = error;
    return await loginAgain(ctx, call, current, {
      problem: 'limited',
      username,
      status: 429,
      headers,
      retryAfter: Number(headers['Retry-After']),
    });
  }
  if (proven === null)
    return await loginAgain(ctx, call, current, { problem: 'credentials', username, status: 422 });
  const login = {
    sub: proven.account.sub,
    amr: proven.amr,
    acr: proven.acr ?? null,
    began: proven.began,
  };
  return await completeLogin(
    ctx,
    call,
    current,
    login,
    known ? [] : [knownDeviceCookie(ctx, call, browser, account)],
  );
}

async function loginAgain(
  ctx: Context,
  call: Call,
  current: Interaction,
  notice: Notice,
): Promise<Response> {
  const proven = await destinationOf(ctx, current);
  return await answering(ctx, call, proven, async () => {
    const flow = await evaluate(ctx, call, current, proven);
    const step =
      flow.step.step === 'login' ? flow.step : ({ step: 'login', because: 'no_session' } as const);
    return await draw(ctx, call, { ...flow, step }, notice);
  });
}
