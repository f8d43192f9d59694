/** Clients that take part in a session, and what is told to them when it ends. */
import { registeredItself } from '../domain/client-rules.ts';
import type { Context } from '../domain/context.ts';
import { OutboundError } from '../domain/outbound.ts';
import { createWaitingLines } from '../domain/waiting-lines.ts';
import type { Delivery } from '../store/deliveries.ts';
import type { Client, Session } from '../store/records.ts';
import type { Engine } from './contracts/engine.ts';

/**
 * Notes that a client takes part in a session, if it wants to hear of the end. Clients that do not
 * cost no call of the store.
 * @returns false when the session has ended
 */
export async function joinSession(
  ctx: Context,
  { sessionListeners }: Pick<Engine, 'sessionListeners'>,
  client: Client,
  session: Session,
): Promise<boolean> {
  const listeners = sessionListeners.filter((one) => one.isFor(client));
  if (listeners.length === 0) return true;
  const wantsDelivery = listeners.some(({ deliver }) => deliver !== undefined);
  return await ctx.store.sessions.join(session, client.clientId, wantsDelivery);
}

/** Addresses that the browser loads in frames after this session ended. Ask before it ends. */
export async function framesFor(
  ctx: Context,
  { sessionListeners }: Pick<Engine, 'sessionListeners'>,
  session: Session,
): Promise<readonly string[]> {
  const framing = sessionListeners.filter(({ frame }) => frame !== undefined);
  if (framing.length === 0) return [];
  const frames: string[] = [];
  for (const clientId of await ctx.store.sessions.clients(session.sid)) {
    const client = await ctx.clients.findEnabled(clientId);
    for (const one of framing)
      if (client !== null && one.isFor(client))
        frames.push(one.frame?.(ctx, client, session) ?? '');
  }
  return frames;
}

/**
 * At most this many clients that registered themselves are told at once. Whoever registers many
 * that never answer takes no place from the clients of the operator.
 */
const STRANGERS_AT_ONCE = 32;
/** Clients that wait behind each of them, at most. */
const IN_LINE = 10;
/** Milliseconds that a client waits, at most. It is less than the lease of a delivery. */
const LONGEST_WAIT = 10_000;

/** Tells a client of a delivery, in every way that it wants. @throws when it was not told */
export type Teller = (ctx: Context, delivery: Delivery) => Promise<void>;

/** Makes what tells clients. It counts those under way, so a provider makes one. */
export function createTeller({ sessionListeners }: Pick<Engine, 'sessionListeners'>): Teller {
  const lines = createWaitingLines(IN_LINE);
  let strangers = 0;
  const tell = async (ctx: Context, client: Client, delivery: Delivery): Promise<void> => {
    for (const one of sessionListeners)
      if (one.isFor(client)) await one.deliver?.(ctx, client, delivery);
  };
  return async (ctx, delivery) => {
    const client = await ctx.clients.findEnabled(delivery.clientId);
    // A client that is gone, or does not want it any more, has nothing to hear.
    if (client === null) return;
    if (!registeredItself(client)) return await tell(ctx, client, delivery);
    strangers += 1;
    const line = String(strangers % STRANGERS_AT_ONCE);
    if (!(await lines.join(line, LONGEST_WAIT)))
      throw new OutboundError('busy', 'too many clients that registered themselves are told now');
    try {
      await tell(ctx, client, delivery);
    } finally {
      lines.leave(line);
    }
  };
}
