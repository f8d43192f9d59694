/**
 * The flow of a device's request: the person who typed its code signs in, and then confirms what
 * the device asks for, every time, in a step of this flow.
 */

import { accountName } from '../../domain/accounts.ts';
import { isPublicAddress, networkOf } from '../../domain/addresses.ts';
import { rememberAuthorization } from '../../domain/authorizations.ts';
import { authorizationGranted } from '../../domain/event-definitions.ts';
import { issuedToThis } from '../../domain/former-clients.ts';
import type { Interaction } from '../../domain/interactions.ts';
import { offeredScopes } from '../../domain/scopes.ts';
import { provenNow } from '../../domain/sessions.ts';
import { judgeAnew, unknownInteraction } from '../../engine/continuation.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import type { Flow, FlowEnd, OpenedFlow } from '../../engine/contracts/flow.ts';
import { authorizationParameter } from '../../engine/contracts/parameter.ts';
import { declined, defineStep, type Step, unknownDecision } from '../../engine/contracts/step.ts';
import { dividedScopes, scopeViews, textsOf } from '../../engine/steps/consent.ts';
import { consentItemsOf } from '../../engine/token-parameters.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { formatScope, parseScope } from '../../protocol/scope.ts';
import type { Client } from '../../store/records.ts';
import { clientView, drawPage, pageView } from '../../web/page.ts';
import type { RequestContext } from '../../web/request.ts';
import { DEVICE_GRANT } from './device-grant.ts';
import {
  changeRequest,
  type Decision,
  type DeviceRequest,
  findByDigest,
  type StoredRequest,
} from './device-request.ts';
import { type DeviceConfirmationView, deviceConfirmationPage, deviceResultPage } from './pages.ts';

/** Name of the flow, and of the endpoint where it goes on. */
export const DEVICE = 'device';
/** Name of the parameter of its interactions: the digest of the request. */
export const REQUEST_DIGEST = 'request';
const CONFIRMATION = 'device-confirmation';
/** How often a request may change (a poll) while it is decided. */
const MOST_ATTEMPTS = 5;

/** Words for the place of an address; null when they are not known. */
export type PlaceOf = (address: string) => string | null | Promise<string | null>;

interface Shown extends Pick<DeviceRequest, 'userCode' | 'address'> {
  readonly place: string | null;
}

/** What the confirmation shows of the device; it travels in the request as parameters do. */
const shownDevice = authorizationParameter<Shown>({
  names: [DEVICE],
  absent: { userCode: '', address: null, place: null },
  read: () => ({ userCode: '', address: null, place: null }),
});

export function deviceFlow(placeOf: PlaceOf | null): Flow {
  const flow: Flow = {
    name: DEVICE,
    endpoint: DEVICE,
    async open(ctx, interaction): Promise<OpenedFlow> {
      const digest = interaction.params[REQUEST_DIGEST];
      if (digest === undefined) throw unknownInteraction();
      const stored = await requireOpen(ctx, digest, interaction.id);
      const client = await requireClient(ctx, stored.request);
      return {
        flow,
        client,
        redirectUri: null,
        async request() {
          const { scopes: asked, userCode, address, details = {} } = stored.request;
          const scopes = await offeredScopes(ctx.settings, client, asked, 'for-user');
          const consentItems = await consentItemsOf(ctx, client, details);
          const place = address === null ? null : await wordsFor(placeOf, address);
          const values = { [DEVICE]: { userCode, address, place } satisfies Shown };
          const { clientId } = client;
          const shown = { scopes, consentScopes: scopes, consentItems };
          return { clientId, ...shown, artifacts: [], demands: [], values };
        },
        complete: async (context, end) => await approve(context, digest, end),
        async refuse(context, error) {
          if (error.code !== 'access_denied') throw error;
          await decide(context, digest, { is: 'denied', interaction: interaction.id });
          return resultPage(context, client, false);
        },
      };
    },
  };
  return flow;
}

/** The address itself where the host has no words for it, or fails to find them. */
async function wordsFor(placeOf: PlaceOf | null, address: string): Promise<string> {
  try {
    return (await placeOf?.(address)) ?? address;
  } catch {
    return address;
  }
}

/**
 * @throws OAuthError for a page, unless the request waits or was decided in this very interaction
 */
async function requireOpen(
  ctx: RequestContext,
  digest: string,
  interaction: string,
): Promise<StoredRequest> {
  const stored = await findByDigest(ctx, digest);
  if (stored === null || stored.request.validUntil <= ctx.now())
    throw over('device_request_expired', 'The code has expired. Ask the device for a new one.');
  const { decision } = stored.request;
  // RFC 8628 §3.3: a code that was answered is not answered again; a reload shows the same result.
  if (decision.is !== 'pending' && decision.interaction !== interaction) throw answered();
  return stored;
}

function over(reason: string, description: string): OAuthError {
  return new OAuthError('invalid_request', reason, description, { redirectable: false });
}

function answered(): OAuthError {
  return over('device_request_answered', 'The code was used before. Ask the device for a new one.');
}

async function requireClient(
  ctx: RequestContext,
  { clientId, requestedAt }: DeviceRequest,
): Promise<Client> {
  const client = await ctx.clients.identify(clientId, ctx.request);
  const may = client?.grantTypes.includes(DEVICE_GRANT) === true && client.disabledAt === null;
  if (client !== null && may && issuedToThis(client, requestedAt)) return client;
  throw over('device_client_disabled', 'The application may not connect devices any longer.');
}

/** The step in which somebody confirms. Nothing that is remembered takes its place. */
export const deviceConfirmation: Step = defineStep<DeviceConfirmationView>({
  name: CONFIRMATION,
  flows: [DEVICE],
  silentError: 'consent_required',
  page: deviceConfirmationPage,
  // RFC 8628 §5.4: the user confirms that this is the device they mean to let in.
  due: ({ interaction, session }) =>
    session !== null && confirmedIn(interaction)?.sub === session.sub
      ? null
      : { because: 'not_confirmed' },
  shows: ({ request }) => request.scopes,
  view(ctx, { account, request, client }) {
    const { userCode, place, address } = shownDevice(request);
    const scopes = request.scopes.filter((name) => name !== 'offline_access');
    return {
      accountName: accountName(account),
      userCode,
      scopes: scopeViews(ctx.settings, scopes),
      // The device is not part of the browser's session, so a refresh token outlives the sign-out.
      offline:
        request.scopes.includes('offline_access') || client.grantTypes.includes('refresh_token'),
      partial: client.partialConsent,
      details: textsOf(request),
      place,
      sameNetwork: isSameNetwork(address, ctx.request.address),
    };
  },
  async answer(_ctx, { decision, session, interaction, params, situation }) {
    if (decision === 'deny') return declined();
    if (decision === 'switch') return { outcome: 'switch_account' };
    if (decision !== 'allow' || session === null) throw unknownDecision();
    const shown = interaction.shown[CONFIRMATION] as readonly string[] | undefined;
    if (shown === undefined) throw unknownDecision();
    const { client } = await situation();
    // Its page offers no choice about offline_access: the device stays connected anyway.
    const [offline, choices] = [true, false].map((kept) =>
      shown.filter((scope) => (scope === 'offline_access') === kept),
    ) as [string[], string[]];
    const confirmed = dividedScopes(client, params, choices);
    if (confirmed === null) return declined();
    // A page of the host names all that was allowed.
    const isKept = (scope: string): boolean =>
      !params.has('scopes') || parseScope(params.get('scopes') ?? '').includes(scope);
    const scopes = [...confirmed.scopes, ...offline.filter(isKept)];
    return { outcome: 'answered', state: { sub: session.sub, scopes } satisfies Confirmed };
  },
});

/** What somebody confirmed. */
interface Confirmed {
  readonly sub: string;
  readonly scopes: readonly string[];
}

function confirmedIn({ answers }: Interaction): Confirmed | null {
  return (answers[CONFIRMATION] as Confirmed | undefined) ?? null;
}

function isSameNetwork(one: string | null, other: string | null): boolean | null {
  // Behind a proxy that is not named, both would have the address of the proxy.
  if (one === null || other === null || !isPublicAddress(one) || !isPublicAddress(other))
    return null;
  return networkOf(one) === networkOf(other);
}

async function approve(ctx: EngineContext, digest: string, end: FlowEnd): Promise<Response | null> {
  const { client, session, request, interaction } = end;
  const { clientId } = client;
  // Never more than was shown: what the client may ask for can have grown while the page was open.
  const shown = confirmedIn(interaction)?.scopes ?? [];
  const scopes = request.scopes.filter((scope) => shown.includes(scope));
  const { sub, authTime, amr, acr } = session;
  // First the number, then the session: a revocation since then has a higher number.
  const { revocations } = await provenNow(ctx);
  if ((await ctx.store.sessions.find(session.handle))?.sid !== session.sid) return null;
  const allowed = { sub, client, session, scopes, asked: true, expired: end.expiredScopes };
  const authorization = await rememberAuthorization(ctx, allowed, end.authorization);
  if (authorization === 'session_ended') return null;
  if (authorization === 'client_changed') return await judgeAnew(ctx, client, DEVICE, interaction);
  const proof = { sub, authTime, amr, acr, scopes };
  const approval = {
    ...proof,
    authorizationId: authorization.id,
    revocations,
    approvedAt: end.now,
  };
  const fresh = await decide(ctx, digest, {
    is: 'approved',
    interaction: interaction.id,
    approval,
  });
  const detail = { scope: formatScope(scopes), asked: true, device: true };
  if (fresh) ctx.events.record(authorizationGranted, { sub, clientId, detail });
  return resultPage(ctx, client, true);
}

/**
 * Answers a request that waits. False when it was answered in this interaction before (a reload).
 * @throws OAuthError for a page when another one answered it
 */
async function decide(
  ctx: RequestContext,
  digest: string,
  decision: Exclude<Decision, { readonly is: 'pending' }>,
): Promise<boolean> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const stored = await requireOpen(ctx, digest, decision.interaction);
    const before = stored.request.decision;
    if (before.is === decision.is && isSame(before, decision)) return false;
    if (before.is !== 'pending') throw answered();
    // A poll of the device may have changed the request since it was found.
    if (await changeRequest(ctx, stored, { decision })) return true;
  }
  throw new Error('The request of a device kept changing while it was answered.');
}

/** A page that is answered twice is answered once, by the first answer. */
function isSame(one: Decision, other: Decision): boolean {
  if (one.is !== 'approved' || other.is !== 'approved') return true;
  return formatScope(one.approval.scopes) === formatScope(other.approval.scopes);
}

function resultPage(ctx: RequestContext, client: Client, allowed: boolean): Response {
  const view = { ...pageView(ctx), client: clientView(ctx, client, null), allowed };
  return drawPage(ctx, deviceResultPage, view);
}
