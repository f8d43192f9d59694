/**
 * Front-channel logout (OpenID Connect Front-Channel Logout 1.0): after a logout the browser of the
 * user loads an address of each application of the session, unseen.
 */
import { type ClientField, clientField } from '../../engine/contracts/client-field.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import type { SessionListener } from '../../engine/contracts/session-listener.ts';
import { logoutUriProblem } from '../../engine/logout-uris.ts';
import type { MetadataCheck } from '../../protocol/client-metadata-rules.ts';
import { withQuery } from '../../protocol/redirect-uri.ts';

/** `frontchannel_logout_uri` (Front-Channel Logout §2). */
const logoutUri: ClientField<string | null> = clientField<string | null>({
  wireName: 'frontchannel_logout_uri',
  flag: 'frontchannel-logout-uri',
  kind: 'text',
  nullable: true,
  default: null,
  setBy: 'client',
  check: (value) => (value === null ? null : logoutUriProblem(value)),
  description: 'URL that the browser loads when a session ends',
});

/** `frontchannel_logout_session_required` (§2): every address gets iss and sid. */
const sessionRequired: ClientField<boolean> = clientField<boolean>({
  wireName: 'frontchannel_logout_session_required',
  flag: 'frontchannel-logout-session-required',
  kind: 'flag',
  default: false,
  setBy: 'client',
  description: 'it needs iss and sid when a session ends; they are always sent',
});

/** Front-Channel Logout §2: scheme, host and port are those of a redirect URI. */
const ownOrigin: MetadataCheck = ({ fields, redirectUris }) => {
  const uri = fields[logoutUri.definition.wireName];
  if (typeof uri !== 'string' || logoutUriProblem(uri) !== null) return null;
  const { origin } = new URL(uri);
  const isOwn = redirectUris.some((one) => URL.canParse(one) && new URL(one).origin === origin);
  if (isOwn) return null;
  const problem = 'must have scheme, host and port of a redirect URI';
  return { field: logoutUri.definition.wireName, code: 'invalid_client_metadata', problem };
};

const listener: SessionListener = {
  name: 'front-channel',
  isFor: (client) => logoutUri(client) !== null,
  frame: (ctx, client, { sid }) =>
    // Front-Channel Logout §3: both, or none.
    withQuery(logoutUri(client) ?? '', { iss: ctx.settings.issuer, sid }),
};

/** Front-channel logout (OpenID Connect Front-Channel Logout 1.0). */
export const frontChannelLogout: FeatureFactory = defineFeature({
  name: 'front-channel-logout',
  description: 'Applications are told by the browser after a logout (Front-Channel Logout)',
  options: {},
  create: () => ({
    sessionListeners: [listener],
    clientFields: [logoutUri, sessionRequired],
    clientChecks: [ownOrigin],
    // Front-Channel Logout §3. The page after a logout loads the frames; without it nothing does.
    metadata: (_settings, _addresses, endpoints) =>
      endpoints.includes('end_session_endpoint')
        ? { frontchannel_logout_supported: true, frontchannel_logout_session_supported: true }
        : {},
  }),
});
