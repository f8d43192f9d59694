/**
 * The page where people see where they are signed in and what they allowed, and end both. From here
 * a sign-in to an application begins as well (OIDC Core §4).
 */
import { accountName } from '../../domain/accounts.ts';
import { ofThisClient, withdrawAuthorization } from '../../domain/authorizations.ts';
import { endSessionElsewhere } from '../../domain/host-sessions.ts';
import {
  type Interaction,
  newInteraction,
  sessionMark,
  whenShown,
} from '../../domain/interactions.ts';
import { liveSessions } from '../../domain/sessions.ts';
import { resume } from '../../engine/continuation.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import type { Endpoint } from '../../engine/contracts/endpoint.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import type { Flow, OpenedFlow } from '../../engine/contracts/flow.ts';
import { unknownDecision } from '../../engine/contracts/step.ts';
import {
  type CurrentSession,
  currentSession,
  endCurrentSession,
} from '../../engine/current-session.ts';
import { advance } from '../../engine/driver.ts';
import { askAgainAfterSwitch, formFields, requireOwnForm } from '../../engine/forms.ts';
import { scopeViews } from '../../engine/steps/consent.ts';
import { completeMetadata } from '../../protocol/client-metadata-rules.ts';
import type { Authorization, Client, Session } from '../../store/records.ts';
import { bindBrowser, knownBrowser } from '../../web/cookies.ts';
import { addressView, clientView, drawPage, pageView } from '../../web/page.ts';
import type { RequestContext } from '../../web/request.ts';
import { redirect } from '../../web/respond.ts';
import { type AllowedClientView, accountOverviewPage, type OwnSessionView } from './pages.ts';

const NAME = 'account-overview';
/** Sessions and applications on one page, the latest first. */
const MOST_SHOWN = 100;

type SignedIn = Extract<CurrentSession, { readonly session: Session }>;

/** Signing in to look at the page: this provider is itself the application that asks. */
const flow: Flow = {
  name: NAME,
  endpoint: NAME,
  open: async (ctx): Promise<OpenedFlow> => ({
    flow,
    client: ourselves(ctx),
    redirectUri: null,
    request: async () => ({
      clientId: '',
      scopes: [],
      consentScopes: [],
      artifacts: [],
      demands: [],
      values: {},
    }),
    complete: async (context) => redirect(context.url(NAME)),
    refuse: async ({ settings }) => redirect(new URL('/', settings.issuer).href),
  }),
};

/** No client of this name is registered, and none can be. */
function ourselves({ settings, clients, now }: EngineContext): Client {
  return {
    ...completeMetadata({ name: settings.name, redirectUris: [] }, clients.rules),
    clientId: '',
    secrets: [],
    registrationSource: 'configuration',
    disabledAt: null,
    createdAt: now(),
    updatedAt: now(),
    version: 0,
  };
}

const endpoint: Endpoint = {
  name: NAME,
  path: 'account/',
  methods: ['GET', 'POST'],
  errors: 'page',
  isAccountPage: true,

  async handle(ctx) {
    if (ctx.request.method === 'POST') return await takeDecision(ctx);
    const text = ctx.request.query().get('interaction');
    if (text !== undefined) return await goOn(ctx, await resume(ctx, text, NAME));
    const current = await currentSession(ctx);
    if (current.session !== null) return await overview(ctx, current);
    const interaction = newInteraction(ctx, NAME, {}, knownBrowser(ctx));
    return await advance(ctx, await flow.open(ctx, interaction), interaction, false);
  },
};

async function goOn(ctx: EngineContext, resumed: Interaction): Promise<Response> {
  const { current } = whenShown(ctx, resumed);
  return await advance(ctx, await flow.open(ctx, current), current, true);
}

async function overview(ctx: RequestContext, { session, account }: SignedIn): Promise<Response> {
  const browser = bindBrowser(ctx);
  const drawn = {
    ...newInteraction(ctx, NAME, {}, browser.digest),
    shownTo: sessionMark(session),
  };
  const view = {
    ...pageView(ctx),
    accountName: accountName(account),
    form: { action: ctx.url(NAME), fields: await formFields(ctx, NAME, drawn) },
    sessions: await sessionViews(ctx, session),
    applications: await clientViews(ctx, session.sub),
  };
  const cookies = browser.setCookie === null ? [] : [browser.setCookie];
  return drawPage(ctx, accountOverviewPage, view, { form: true, cookies });
}

async function sessionViews(
  ctx: RequestContext,
  current: Session,
): Promise<readonly OwnSessionView[]> {
  const sessions = [...(await liveSessions(ctx, current.sub))];
  return sessions
    .sort((one, other) => other.seenAt - one.seenAt)
    .sort((one, other) => Number(other.sid === current.sid) - Number(one.sid === current.sid))
    .slice(0, MOST_SHOWN)
    .map(({ sid, authTime, seenAt }) => ({
      sid,
      signedInAt: authTime,
      usedAt: seenAt,
      isThisOne: sid === current.sid,
    }));
}

async function clientViews(
  ctx: RequestContext,
  sub: string,
): Promise<readonly AllowedClientView[]> {
  const all = [...(await ctx.store.authorizations.listBySubject(sub))];
  const latest = all.sort((one, other) => other.updatedAt - one.updatedAt).slice(0, MOST_SHOWN);
  const views: AllowedClientView[] = [];
  for (const authorization of latest) {
    const view = await allowedClient(ctx, authorization);
    if (view !== null) views.push(view);
  }
  return views;
}

async function allowedClient(
  ctx: RequestContext,
  authorization: Authorization,
): Promise<AllowedClientView | null> {
  const client = await ctx.clients.find(authorization.clientId);
  if (client === null || (await ofThisClient(ctx, client, authorization)) === null) return null;
  return {
    client: clientView(ctx, client, null),
    scopes: scopeViews(ctx.settings, authorization.scopes),
    since: authorization.createdAt,
    start: client.disabledAt === null ? startOf(ctx, client) : null,
  };
}

/** OIDC Core §4: the application starts the sign-in itself, at the issuer that it is told. */
function startOf(
  { settings }: RequestContext,
  { initiateLoginUri }: Client,
): AllowedClientView['start'] {
  if (initiateLoginUri === null) return null;
  const url = new URL(initiateLoginUri);
  url.searchParams.set('iss', settings.issuer);
  return addressView(url.href);
}

async function takeDecision(ctx: EngineContext): Promise<Response> {
  const form = await ctx.request.form();
  const interaction = await resume(ctx, form.get('interaction'), NAME);
  requireOwnForm(ctx, NAME, form, interaction);
  const current = await currentSession(ctx);
  if (current.session === null) return redirect(ctx.url(NAME));
  const again = await askAgainAfterSwitch(ctx, NAME, interaction, current.session);
  if (again !== null) return again;
  const [decision = '', name = ''] = form.need('decision').split(' ');
  const response = redirect(ctx.url(NAME));
  for (const cookie of await act(ctx, current, decision, name))
    response.headers.append('Set-Cookie', cookie);
  return response;
}

/** What ended before ends no more, and is no error: somebody may have been faster. */
async function act(
  ctx: EngineContext,
  current: SignedIn,
  decision: string,
  name: string,
): Promise<readonly string[]> {
  const { sub, sid } = current.session;
  if (decision === 'end' && name === sid)
    return (await endCurrentSession(ctx, current)).getSetCookie();
  if (decision === 'end') await endWhere(ctx, sub, (one) => one.sid === name);
  else if (decision === 'end-others') await endWhere(ctx, sub, (one) => one.sid !== sid);
  else if (decision === 'withdraw') await withdrawAuthorization(ctx, sub, name);
  else throw unknownDecision();
  return [];
}

async function endWhere(
  ctx: EngineContext,
  sub: string,
  isMeant: (session: Session) => boolean,
): Promise<void> {
  for (const session of await liveSessions(ctx, sub))
    if (isMeant(session)) await endSessionElsewhere(ctx, session);
}

/** The page `account/`, where people see and end their sessions and what they allowed. */
export const accountOverview: FeatureFactory = defineFeature({
  name: NAME,
  description: 'The page where people end their sessions and withdraw what they allowed',
  options: {},
  create: () => ({ endpoints: [endpoint], flows: [flow], pages: [accountOverviewPage] }),
});
