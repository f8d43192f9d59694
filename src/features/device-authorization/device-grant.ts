/**
 * The device code grant (RFC 8628 §3.4, §3.5): a device asks again and again what became of its
 * request.
 */
import { requestRefused } from '../../domain/event-definitions.ts';
import { issuedToThis } from '../../domain/former-clients.ts';
import type { Redemption } from '../../domain/redemption.ts';
import { defineGrant, type Grant } from '../../engine/contracts/grant.ts';
import { OAuthError } from '../../protocol/errors.ts';
import type { Client } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';
import {
  type Approval,
  changeRequest,
  findByDeviceCode,
  type StoredRequest,
} from './device-request.ts';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
/** Seconds by which the interval grows when a device polls too fast (RFC 8628 §3.5). */
const SLOWER = 5;

export const deviceGrant: Grant = defineGrant<{ readonly deviceCode: string }>({
  type: DEVICE_GRANT,
  provesSubject: false,
  params: (params) => ({ deviceCode: params.need('device_code') }),
  async redeem(ctx, client, { deviceCode }) {
    const stored = await requireOwn(ctx, client, deviceCode);
    const { record, request } = stored;
    if (record.consumedAt !== null)
      throw refused('invalid_grant', 'device_code_used', 'The device code was used before.');
    // RFC 8628 §3.5: expired_token, however the request was answered.
    if (request.validUntil <= ctx.now())
      throw refused('expired_token', 'device_code_expired', 'The device code has expired.');
    const { decision } = request;
    if (decision.is === 'denied')
      throw refused('access_denied', 'device_denied', 'The user declined.');
    if (decision.is === 'pending') throw await pending(ctx, stored);
    return await redemptionOf(ctx, client, stored, decision.approval);
  },
});

function refused(code: string, reason: string, description: string): OAuthError {
  return new OAuthError(code, reason, description);
}

async function requireOwn(
  ctx: RequestContext,
  client: Client,
  deviceCode: string,
): Promise<StoredRequest> {
  const stored = await findByDeviceCode(ctx, deviceCode);
  if (stored === null)
    throw refused('invalid_grant', 'device_code_unknown', 'The device code is not valid.');
  const { clientId, requestedAt } = stored.request;
  // RFC 8628 §3.4: the device code was issued to this client.
  if (clientId === client.clientId && issuedToThis(client, requestedAt)) return stored;
  const facts = { clientId: client.clientId, reason: 'device_code_foreign' };
  // Anybody gets a device code, so write no row.
  ctx.events.notify(requestRefused, facts);
  throw refused('invalid_grant', 'device_code_foreign', 'The device code is not valid.');
}

/** Nobody answered yet. Every poll is remembered, so that one that comes too early is seen. */
async function pending(ctx: RequestContext, stored: StoredRequest): Promise<OAuthError> {
  const { interval, polledAt } = stored.request;
  const now = ctx.now();
  const tooFast = polledAt !== null && now - polledAt < interval;
  const slower = tooFast ? interval + SLOWER : interval;
  // One write in a second is enough, so that a device that hammers cannot keep the answer out.
  if (polledAt === now)
    return refused('slow_down', 'device_slow_down', `Poll every ${interval} seconds.`);
  const remembered = await changeRequest(ctx, stored, { polledAt: now, interval: slower });
  // RFC 8628 §3.5: the interval grows by 5 seconds with every poll that comes too early. A poll
  // that could not be remembered ran beside another one, or beside the answer.
  if (tooFast || !remembered)
    return refused('slow_down', 'device_slow_down', `Poll every ${slower} seconds.`);
  return refused('authorization_pending', 'device_pending', 'The user did not answer yet.');
}

async function redemptionOf(
  ctx: RequestContext,
  { clientId }: Client,
  { record, request: { details = {} } }: StoredRequest,
  { approvedAt, revocations = 0, ...approval }: Approval,
): Promise<Redemption> {
  const { sub, authorizationId, scopes } = approval;
  const authorization = await ctx.store.authorizations.find(sub, clientId);
  if (authorization?.id !== authorizationId)
    throw refused('invalid_grant', 'authorization_withdrawn', 'The authorization was withdrawn.');
  const { kind, digest, version } = record;
  return {
    // The device is not part of the browser's session: a logout there does not end its tokens.
    entitlement: { ...approval, clientId, sid: null, details },
    scopes,
    nonce: null,
    refreshable: true,
    consumption: { kind: 'one_time_record', record: { kind, digest, version } },
    proof: { revocations, time: approvedAt },
  };
}
