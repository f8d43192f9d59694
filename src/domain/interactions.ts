/**
 * One pause for a human. An interaction travels sealed in the URL and is bound to its browser by a
 * cookie, so that an anonymous visitor writes no row. It carries the request as sent and what the
 * human did so far.
 */
import { sha256 } from '../crypto/bytes.ts';
import { base64url, newHandle } from '../crypto/handles.ts';
import type { Digest, Seconds, Session } from '../store/records.ts';
import { CODE_KEPT } from '../store/store.ts';
import { networkOf } from './addresses.ts';
import type { Context } from './context.ts';
import { isUsable, newOneTimeRecord } from './one-time-records.ts';

/** What each step keeps, by its name. JSON values only. */
export type StepStates = Readonly<Record<string, unknown>>;

/** One pause for a human, with everything that is known of it so far. */
export interface Interaction {
  /** Random; it also ties one answer to one code. */
  readonly id: string;
  /** Name of the flow it pauses. */
  readonly flow: string;
  /** The request, as its flow reads it. Checked again each time the flow goes on. */
  readonly params: Readonly<Record<string, string>>;
  /** Handle of the stored parameters, where they are too large to travel; else null. */
  readonly stored: string | null;
  /**
   * Digest of the browser's binding cookie; null while unknown (a cross-site POST has no cookies).
   */
  readonly browser: Digest | null;
  /** When the first page was shown, or when the interaction started over. */
  readonly startedAt: Seconds;
  /** When the request arrived. A restart keeps it, while it moves `startedAt`. */
  readonly requestedAt: Seconds;
  /** When the human last decided something; at first, when it began. Decisions expire soon. */
  readonly decidedAt: Seconds;
  /** Session (its stored handle) in which the human signed in during this interaction. */
  readonly loginSession: Digest | null;
  /** Subject the human chose to go on with, by signing in or by saying so. */
  readonly chosen: string | null;
  /** The login (`loginMark`) that the human wants to replace by another one; null: none. */
  readonly switching: string | null;
  /** The browser was sent to a login page of the host. */
  readonly sentToHost: boolean;
  /** What the page of a step showed; an answer never exceeds it. */
  readonly shown: StepStates;
  /** For which session the page was drawn (`sessionMark`); null for none, or for any. */
  readonly shownTo: string | null;
  /** What the human answered, by step. */
  readonly answers: StepStates;
}

/**
 * Seconds that stored parameters are kept after their interaction is stale: a page left open over a
 * weekend still starts over instead of ending.
 */
const STORED_LONGER = 3 * 24 * 3600;
/** Characters a sealed interaction may take in a URL; proxies refuse long ones. */
const LONGEST_IN_URL = 6000;
/** Kind of the one-time records that hold parameters too large for a URL. */
const LARGE_REQUEST = 'large-request';

export function newInteraction(
  ctx: Context,
  flow: string,
  params: Interaction['params'],
  browser: Digest | null,
): Interaction {
  return {
    id: base64url(ctx.settings.random(16)),
    flow,
    params,
    stored: null,
    browser,
    startedAt: ctx.now(),
    requestedAt: ctx.now(),
    decidedAt: ctx.now(),
    loginSession: null,
    chosen: null,
    switching: null,
    sentToHost: false,
    shown: {},
    shownTo: null,
    answers: {},
  };
}

/**
 * The text that stands for an interaction in a URL or form. Parameters too large for a URL are
 * stored once, as a one-time record, and the text carries their handle from then on.
 * @throws OAuthError 429 when too many large requests came, from the network of the peer or in all
 */
export async function sealInteraction(ctx: Context, interaction: Interaction): Promise<string> {
  const whole = interaction.stored === null ? seal(ctx, interaction) : null;
  if (whole !== null && whole.length <= LONGEST_IN_URL) return whole;
  const stored = interaction.stored ?? (await storeParams(ctx, interaction));
  return seal(ctx, { ...interaction, params: {}, stored });
}

function seal(ctx: Context, interaction: Interaction): string {
  return ctx.vault.seal('interaction', JSON.stringify(interaction));
}

async function storeParams(ctx: Context, { params }: Interaction): Promise<string> {
  // Peers without a known address share one limit.
  const network = networkOf(ctx.request?.address ?? null);
  const { largeRequest, largeRequestInAll } = ctx.settings.rateLimits;
  await ctx.rateLimiter.take([['large request', network], largeRequest]);
  await ctx.rateLimiter.take([['large request'], largeRequestInAll]);
  const handle = newHandle('interaction', ctx.settings.random);
  const record = newOneTimeRecord({
    kind: LARGE_REQUEST,
    digest: sha256(handle),
    payload: ctx.vault.seal(LARGE_REQUEST, JSON.stringify(params)),
    expiresAt: ctx.now() + ctx.settings.lifetimes.interaction + STORED_LONGER,
  });
  await ctx.store.oneTime.put(record);
  return handle;
}

/**
 * The interaction of a text; null when we did not seal it, or its stored parameters are gone. The
 * caller judges its age and its browser.
 */
export async function openInteraction(ctx: Context, text: string): Promise<Interaction | null> {
  const json = ctx.vault.open('interaction', text);
  if (json === null) return null;
  const interaction = JSON.parse(json) as Interaction;
  const { stored } = interaction;
  if (stored === null) return interaction;
  const record = await ctx.store.oneTime.find({ kind: LARGE_REQUEST, digest: sha256(stored) });
  if (!isUsable(record, ctx.now())) return null;
  const params = ctx.vault.open(LARGE_REQUEST, record.payload);
  if (params === null) return null;
  return { ...interaction, params: JSON.parse(params) as Interaction['params'] };
}

/** The interaction after a decision that counts from now. */
export function withDecision(
  ctx: Context,
  interaction: Interaction,
  what: Partial<Pick<Interaction, 'loginSession' | 'chosen' | 'switching' | 'answers'>>,
): Interaction {
  return { ...interaction, ...what, decidedAt: ctx.now() };
}

/** True when the page was left open for too long: the interaction starts over. */
export function isStale(ctx: Context, interaction: Interaction): boolean {
  return interaction.startedAt + ctx.settings.lifetimes.interaction <= ctx.now();
}

/**
 * The interaction that an address carries, as it counts now. A decision in an address that is older
 * than a code lives no longer counts, for then the browser replays its history, and the interaction
 * starts over. (While it counts, the code that it led to is still known, so that it leads to that
 * code or to none.)
 * @returns `isIdle` when the page was left open for too long
 */
export function whenShown(
  ctx: Context,
  interaction: Interaction,
): { readonly current: Interaction; readonly isIdle: boolean } {
  const isIdle = isStale(ctx, interaction);
  const isExpired = interaction.decidedAt + ctx.settings.lifetimes.code <= ctx.now();
  return { current: isIdle || isExpired ? restarted(ctx, interaction) : interaction, isIdle };
}

/**
 * The interaction of an answer that is given now. The page may have been open for long: the answer
 * counts, and what the page showed. When the code of an earlier answer to the same page may be
 * forgotten, the answer gets a new identity, for under the old one it would make that code again.
 */
export function whenAnswered(ctx: Context, interaction: Interaction): Interaction {
  const { chosen, shown, decidedAt } = interaction;
  if (isStale(ctx, interaction)) return { ...restarted(ctx, interaction), chosen, shown };
  if (decidedAt + ctx.settings.lifetimes.code + CODE_KEPT > ctx.now()) return interaction;
  return { ...interaction, id: base64url(ctx.settings.random(16)) };
}

/** The same request, from the beginning. */
export function restarted(ctx: Context, interaction: Interaction): Interaction {
  const { flow, params, stored, browser, requestedAt } = interaction;
  return { ...newInteraction(ctx, flow, params, browser), stored, requestedAt };
}

/** Names one login of a session; another proof is another login. Null without a session. */
export function loginMark(
  session: Pick<Session, 'handle' | 'sub' | 'authTime'> | null,
): string | null {
  return session === null ? null : `${sessionMark(session)} ${session.authTime}`;
}

/** Names a session and whose it is, for forms; changes when either does. Null without a session. */
export function sessionMark(session: Pick<Session, 'handle' | 'sub'> | null): string | null {
  return session === null ? null : `${session.handle} ${session.sub}`;
}
