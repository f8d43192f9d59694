/**
 * The endpoint where people type the code that a device shows (RFC 8628 §3.3), and where the flow
 * goes on after sign-in and confirmation. Wrong codes are counted: there are few enough to be
 * guessed.
 */

import { networkOf } from '../../domain/addresses.ts';
import { type Interaction, newInteraction, whenShown } from '../../domain/interactions.ts';
import { type LimitedKey, TooManyAttempts } from '../../domain/rate-limiter.ts';
import type { RateLimit } from '../../domain/settings.ts';
import { resume } from '../../engine/continuation.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import type { Endpoint } from '../../engine/contracts/endpoint.ts';
import type { Flow } from '../../engine/contracts/flow.ts';
import { advance } from '../../engine/driver.ts';
import { formFields, requireOwnForm } from '../../engine/forms.ts';
import { bindBrowser } from '../../web/cookies.ts';
import { drawPage, pageView } from '../../web/page.ts';
import type { RequestContext } from '../../web/request.ts';
import { DEVICE, REQUEST_DIGEST } from './device-flow.ts';
import {
  findByUserCode,
  isOpen,
  LONGEST_TYPED,
  readUserCode,
  type StoredRequest,
} from './device-request.ts';
import { type DeviceView, devicePage } from './pages.ts';

/** How many wrong user codes are tolerated (RFC 8628 §5.1). */
export interface UserCodeLimits {
  /** Per browser. @default 5 in 15 minutes */
  readonly attempts: RateLimit;
  /** Per network, where the host tells addresses. @default 10 in 15 minutes */
  readonly attemptsByAddress: RateLimit;
  /** In all. @default 10 000 in 15 minutes */
  readonly attemptsInAll: RateLimit;
}

export function codeEntry(flow: Flow, limits: UserCodeLimits): Endpoint {
  return {
    name: DEVICE,
    path: 'device/',
    methods: ['GET', 'POST'],
    errors: 'page',

    async handle(ctx) {
      if (ctx.request.method === 'POST') return await takeCode(ctx, flow, limits);
      const query = ctx.request.query();
      if (query.has('interaction'))
        return await goOn(ctx, flow, await resume(ctx, query.get('interaction'), DEVICE));
      // RFC 8628 §3.3.1: a code in the address saves typing it. It is shown, and taken by a form
      // alone.
      const userCode = readUserCode(query.get('user_code') ?? '') ?? '';
      return await entryPage(ctx, { userCode });
    },
  };
}

async function goOn(ctx: EngineContext, flow: Flow, resumed: Interaction): Promise<Response> {
  const { current: interaction } = whenShown(ctx, resumed);
  return await advance(ctx, await flow.open(ctx, interaction), interaction, true);
}

interface Shown extends Partial<Pick<DeviceView, 'userCode' | 'problem' | 'retryAfter'>> {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

async function entryPage(ctx: RequestContext, shown: Shown): Promise<Response> {
  const { userCode = '', problem = null, retryAfter = null, status = 200, headers = {} } = shown;
  const browser = bindBrowser(ctx);
  const interaction = newInteraction(ctx, DEVICE, {}, browser.digest);
  const fields = await formFields(ctx, DEVICE, interaction);
  const form = { action: ctx.url(DEVICE), fields };
  const view = { ...pageView(ctx), form, userCode, problem, retryAfter };
  const cookies = browser.setCookie === null ? [] : [browser.setCookie];
  return drawPage(ctx, devicePage, view, { form: true, status, headers, cookies });
}

async function takeCode(ctx: EngineContext, flow: Flow, limits: UserCodeLimits): Promise<Response> {
  const form = await ctx.request.form();
  const interaction = await resume(ctx, form.get('interaction'), DEVICE);
  requireOwnForm(ctx, DEVICE, form, interaction);
  const typed = form.get('user_code') ?? '';
  const userCode = typed.slice(0, LONGEST_TYPED);
  const counters = countersOf(ctx, interaction, limits);
  // Unknown, expired and used codes get the same answer, so that nobody learns which codes exist.
  const find = async (): Promise<StoredRequest | null> => {
    const found = await findByUserCode(ctx, typed);
    return found !== null && isOpen(found, ctx.now()) ? found : null;
  };
  let stored: StoredRequest | null;
  try {
    stored = await ctx.rateLimiter.attempt(counters, find);
  } catch (error) {
    if (!(error instanceof TooManyAttempts)) throw error;
    const { headers, retryAfter, status } = error;
    return await entryPage(ctx, { userCode, problem: 'limited', retryAfter, status, headers });
  }
  if (stored === null) return await entryPage(ctx, { userCode, problem: 'unknown', status: 422 });
  const params = { [REQUEST_DIGEST]: stored.record.digest };
  const next = newInteraction(ctx, DEVICE, params, interaction.browser);
  return await advance(ctx, await flow.open(ctx, next), next, true);
}

function countersOf(
  ctx: RequestContext,
  { browser }: Interaction,
  { attempts, attemptsByAddress, attemptsInAll }: UserCodeLimits,
): readonly LimitedKey[] {
  const { address } = ctx.request;
  const network: readonly LimitedKey[] =
    address === null ? [] : [[['user code from', networkOf(address)], attemptsByAddress]];
  return [[['user code in', browser ?? ''], attempts], ...network, [['user code'], attemptsInAll]];
}
