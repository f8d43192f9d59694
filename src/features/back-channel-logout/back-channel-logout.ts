/**
 * Back-channel logout (OpenID Connect Back-Channel Logout 1.0): this server tells each application
 * of a session that it ended, by a signed token.
 */
import { base64url } from '../../crypto/handles.ts';
import type { Context } from '../../domain/context.ts';
import { sealerFor } from '../../domain/sealing.ts';
import { type ClientField, clientField } from '../../engine/contracts/client-field.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import type { SessionListener } from '../../engine/contracts/session-listener.ts';
import { logoutUriProblem } from '../../engine/logout-uris.ts';
import type { Delivery } from '../../store/deliveries.ts';
import type { Client } from '../../store/records.ts';

/** Seconds for which a logout token is good (Back-Channel Logout §2.4 recommends two minutes). */
const LIFETIME = 120;
/** Back-Channel Logout §2.4. */
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** `backchannel_logout_uri` (Back-Channel Logout §2.2). */
const logoutUri: ClientField<string | null> = clientField<string | null>({
  wireName: 'backchannel_logout_uri',
  flag: 'backchannel-logout-uri',
  kind: 'text',
  nullable: true,
  default: null,
  setBy: 'client',
  isCalled: true,
  check: (value) => (value === null ? null : logoutUriProblem(value)),
  description: 'URL that is told when a session ends',
});

/** `backchannel_logout_session_required` (§2.2): every logout token has a sid. */
const sessionRequired: ClientField<boolean> = clientField<boolean>({
  wireName: 'backchannel_logout_session_required',
  flag: 'backchannel-logout-session-required',
  kind: 'flag',
  default: false,
  setBy: 'client',
  description: 'it needs the sid when a session ends; it is always told',
});

/** The logout token (Back-Channel Logout §2.4). It is made anew for each attempt. */
async function logoutToken(
  ctx: Context,
  client: Client,
  { about: sid, sub }: Delivery,
): Promise<string> {
  // Back-Channel Logout §2.4: signed, and encrypted, as the ID tokens of the client are.
  const alg = client.idTokenSignedResponseAlg;
  const seal = await sealerFor(ctx, client, { object: 'id_token', alg, typ: 'logout+jwt' });
  const now = ctx.now();
  return await seal({
    iss: ctx.settings.issuer,
    sub: ctx.subjectOf(client, sub),
    aud: client.clientId,
    iat: now,
    exp: now + LIFETIME,
    jti: base64url(ctx.settings.random(16)),
    sid,
    events: { [EVENT]: {} },
  });
}

const listener: SessionListener = {
  name: 'back-channel',
  isFor: (client) => logoutUri(client) !== null,
  async deliver(ctx, client, delivery) {
    const uri = logoutUri(client);
    if (uri === null) return;
    await ctx.outbound.post(uri, { logout_token: await logoutToken(ctx, client, delivery) });
  },
};

/** Back-channel logout (OpenID Connect Back-Channel Logout 1.0). */
export const backChannelLogout: FeatureFactory = defineFeature({
  name: 'back-channel-logout',
  description: 'Applications are told by this server when a session ends (Back-Channel Logout)',
  options: {},
  create: () => ({
    sessionListeners: [listener],
    clientFields: [logoutUri, sessionRequired],
    // Back-Channel Logout §2.1.
    metadata: () => ({
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    }),
  }),
});
