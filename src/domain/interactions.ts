/**
 * One pause for a human. An interaction travels sealed in the URL and is bound to its browser by a cookie, so that an anonymous
 * visitor writes no row; only one too large for a URL is stored. It carries the request as sent and what the human did so far.
 */
import { sha256 } from '../crypto/bytes.ts';
import { base64url, newHandle } from '../crypto/secrets.ts';
import type { Digest, Seconds } from '../store/records.ts';
import { CODE_KEPT } from '../store/store.ts';
import type { Context } from './context.ts';
import { networkOf } from './rate-limiter.ts';

export interface Interaction {
  readonly id: string;
  /** What it pauses: the endpoint that goes on with it. */
  readonly purpose: 'authorize' | 'rp-initiated-logout';
  /** The request, the parameters its endpoint knows. Checked again each time it goes on. */
  readonly params: Readonly<Record<string, string>>;
  /** Handle of the stored parameters, where they are too large to travel; else null. */
  readonly stored: string | null;
  /** Digest of the browser's binding cookie; null while unknown (a cross-site POST comes without cookies). */
  readonly browser: Digest | null;
  readonly startedAt: Seconds;
  /** When the human last decided something; at first, when it began. What they decided is good for moments only. */
  readonly decidedAt: Seconds;
  /** Session (its stored handle) in which the human signed in during this interaction. */
  readonly loginSession: Digest | null;
  /** Subject the human chose to go on with. */
  readonly chosen: string | null;
  /** The human wants to go on as somebody else, and has not signed in as such yet. */
  readonly switching: boolean;
  /** Scopes the consent page showed: no more than these can be allowed there. Null while none was shown. */
  readonly shown: readonly string[] | null;
  /** What the human allowed, and as whom. */
  readonly consent: { readonly sub: string; readonly scopes: readonly string[] } | null;
}

/** Seconds that a stored interaction is kept after it is stale: a page left open over a weekend still starts over instead of ending. */
const STORED_LONGER = 3 * 24 * 3600;
/** Characters a sealed interaction may take in a URL; proxies refuse long ones. */
const LONGEST_IN_URL = 6000;
/** Kind of the one-time records that hold parameters too large for a URL. */
const LARGE_REQUEST = 'large-request';

export function newInteraction(
  ctx: Context,
  purpose: Interaction['purpose'],
  params: Interaction['params'],
  browser: Digest | null,
): Interaction {
  return {
    id: base64url(ctx.settings.random(16)),
    purpose,
    params,
    stored: null,
    browser,
    startedAt: ctx.now(),
    decidedAt: ctx.now(),
    loginSession: null,
    chosen: null,
    switching: false,
    shown: null,
    consent: null,
  };
}

/**
 * The text that stands for an interaction in a URL or form. Parameters too large for a URL are stored
 * once, as a one-time record, and the text carries their handle from then on.
 * @param ip address of the peer, null when it is not known
 * @throws OAuthError 429 when too many large requests came from the network of the peer
 */
export async function sealInteraction(
  ctx: Context,
  interaction: Interaction,
  ip: string | null,
): Promise<string> {
  const whole = interaction.stored === null ? seal(ctx, interaction) : null;
  if (whole !== null && whole.length <= LONGEST_IN_URL) return whole;
  const stored = interaction.stored ?? (await storeParams(ctx, interaction, ip));
  return seal(ctx, { ...interaction, params: {}, stored });
}

function seal(ctx: Context, interaction: Interaction): string {
  return ctx.vault.seal('interaction', JSON.stringify(interaction));
}

async function storeParams(
  ctx: Context,
  { params }: Interaction,
  ip: string | null,
): Promise<string> {
  // Peers whose address is not known share one limit: they are bounded as well.
  const network = ip === null ? '' : networkOf(ip);
  await ctx.rateLimiter.take(['large request', network], ctx.settings.rateLimits.largeRequest);
  const handle = newHandle('interaction', ctx.settings.random);
  await ctx.store.oneTime.put({
    kind: LARGE_REQUEST,
    digest: sha256(handle),
    secondKey: null,
    payload: ctx.vault.seal(LARGE_REQUEST, JSON.stringify(params)),
    version: 1,
    consumedAt: null,
    expiresAt: ctx.now() + ctx.settings.lifetimes.interaction + STORED_LONGER,
  });
  return handle;
}

/**
 * The interaction of a text; null when we never sealed it, or its stored parameters are gone. The
 * caller judges its age and its browser.
 */
export async function openInteraction(ctx: Context, text: string): Promise<Interaction | null> {
  const json = ctx.vault.open('interaction', text);
  if (json === null) return null;
  const interaction = JSON.parse(json) as Interaction;
  const { stored } = interaction;
  if (stored === null) return interaction;
  const record = await ctx.store.oneTime.find({ kind: LARGE_REQUEST, digest: sha256(stored) });
  if (record === null || record.expiresAt <= ctx.now()) return null;
  const params = ctx.vault.open(LARGE_REQUEST, record.payload);
  if (params === null) return null;
  return { ...interaction, params: JSON.parse(params) as Interaction['params'] };
}

/** True when the page was left open for too long: the interaction starts over. */
export function isStale(ctx: Context, interaction: Interaction): boolean {
  return interaction.startedAt + ctx.settings.lifetimes.interaction <= ctx.now();
}

/** What a human just decided: it counts from now. */
export function withDecision(
  ctx: Context,
  interaction: Interaction,
  what: Partial<Pick<Interaction, 'loginSession' | 'chosen' | 'switching' | 'consent'>>,
): Interaction {
  return { ...interaction, ...what, decidedAt: ctx.now() };
}

/**
 * True when a decision in an address is older than a code lives: then it comes from the history of the browser and no longer counts.
 * (While it counts, the code it led to is still known, so that it leads to that code or to none.)
 */
export function isDecisionExpired(ctx: Context, interaction: Interaction): boolean {
  return interaction.decidedAt + ctx.settings.lifetimes.code <= ctx.now();
}

/**
 * True when the code that an earlier answer to the same page led to may be forgotten: a new answer then begins anew, for under the same
 * identity it would make that code once more.
 */
export function isCodeForgotten(ctx: Context, interaction: Interaction): boolean {
  return interaction.decidedAt + ctx.settings.lifetimes.code + CODE_KEPT <= ctx.now();
}

/** The same request, from the beginning. */
export function restarted(ctx: Context, interaction: Interaction): Interaction {
  const { purpose, params, stored, browser } = interaction;
  return { ...newInteraction(ctx, purpose, params, browser), stored };
}

/** The same pause under another identity: nothing that the first one led to is led to again. */
export function withNewId(ctx: Context, interaction: Interaction): Interaction {
  return { ...interaction, id: base64url(ctx.settings.random(16)) };
}

/** What binds a form: which form it is, the interaction, its browser, and the state of that browser's session. */
export interface FormBinding {
  readonly form: string;
  readonly interaction: Interaction;
  readonly session: Digest | null;
}

/** The value that proves a form was made by us for this binding. */
export function formToken(ctx: Context, binding: FormBinding): string {
  return ctx.vault.mac('form', textOf(binding));
}

/** True when the value was made by us for this binding. */
export function isFormToken(ctx: Context, binding: FormBinding, presented: string): boolean {
  return ctx.vault.matches('form', textOf(binding), presented);
}

function textOf({ form, interaction, session }: FormBinding): string {
  return [form, interaction.id, interaction.browser ?? '', session ?? ''].join('\n');
}
