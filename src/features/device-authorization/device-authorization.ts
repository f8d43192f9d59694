/**
 * The device authorization grant (RFC 8628): a device without a browser shows a code, somebody
 * types it in elsewhere, signs in and confirms, and the device gets its tokens.
 */
import { resolveScopes } from '../../domain/scopes.ts';
import type { RateLimit } from '../../domain/settings.ts';
import { type ClientCall, clientEndpoint } from '../../engine/client-endpoint.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import type { Endpoint } from '../../engine/contracts/endpoint.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { tokenDetails } from '../../engine/token-parameters.ts';
import { OAuthError } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/params.ts';
import { updateCommand } from '../../protocol/remedies.ts';
import type { Client } from '../../store/records.ts';
import { json } from '../../web/respond.ts';
import { codeEntry, type UserCodeLimits } from './code-entry.ts';
import { DEVICE, deviceConfirmation, deviceFlow, type PlaceOf } from './device-flow.ts';
import { DEVICE_GRANT, deviceGrant } from './device-grant.ts';
import { storeRequest } from './device-request.ts';
import { devicePage, deviceResultPage } from './pages.ts';

/** Options of the device authorization grant. */
export interface DeviceAuthorizationOptions extends UserCodeLimits {
  /** Seconds in which the code is typed in and confirmed; at most 1800. @default 600 */
  readonly lifetime: number;
  /** Seconds between two polls of a device, at first. @default 5 */
  readonly interval: number;
  /**
   * Address that the device shows, where it is not ours: a short one of yours that leads to the
   * page `device`.
   * @default the address of that page
   */
  readonly verificationUri: string | null;
  /**
   * Requests that public clients may make per network, or in all where the host tells no address:
   * nobody proves who they are, and each request is stored.
   * @default 60 in 15 minutes
   */
  readonly publicRequests: RateLimit;
  /**
   * Words for the place of an address, like "Utrecht, Netherlands", for the confirmation page.
   * @default the address itself is shown
   */
  readonly place: PlaceOf | null;
}

/** RFC 8628 §3.1: the device asks, and proves itself as at the token endpoint. */
function endpoint(options: DeviceAuthorizationOptions): Endpoint {
  return clientEndpoint({
    name: 'device-authorization',
    path: 'device_authorization/',
    metadataName: 'device_authorization_endpoint',
    publicCalls: options.publicRequests,
    handle: async (ctx, call) => await takeRequest(ctx, call, options),
  });
}

/** The client as it is, and the scopes that it gets. @throws OAuthError */
async function allowedTo(
  ctx: EngineContext,
  known: Client,
  params: Params,
): Promise<{ readonly client: Client; readonly scopes: readonly string[] }> {
  try {
    return { client: known, scopes: await scopesFor(ctx, known, params) };
  } catch (error) {
    // Another node may have allowed it.
    const client = await ctx.clients.lookAgain(known);
    if (client === null || client.disabledAt !== null) throw error;
    return { client, scopes: await scopesFor(ctx, client, params) };
  }
}

async function scopesFor(
  ctx: EngineContext,
  client: Client,
  params: Params,
): Promise<readonly string[]> {
  const { clientId, grantTypes } = client;
  if (!grantTypes.includes(DEVICE_GRANT)) {
    const all = [...grantTypes, DEVICE_GRANT];
    const command = updateCommand(clientId, '--grant-type', all);
    throw new OAuthError(
      'unauthorized_client',
      'device_grant_not_allowed',
      'The client may not use this grant type.',
      { hint: { remedy: `if the application may do this: ${command}` } },
    );
  }
  return await resolveScopes(ctx.settings, client, params.get('scope'), 'for-user');
}

async function takeRequest(
  ctx: EngineContext,
  { client: known, params }: ClientCall,
  { lifetime, interval, verificationUri }: DeviceAuthorizationOptions,
): Promise<Response> {
  const { client, scopes } = await allowedTo(ctx, known, params);
  const details = await tokenDetails(ctx, {
    params,
    client,
    entitlement: null,
    acting: 'for-user',
  });
  const facts = { clientId: client.clientId, scopes, details, interval, lifetime };
  const { deviceCode, userCode } = await storeRequest(ctx, facts);
  const page = verificationUri ?? ctx.url(DEVICE);
  const complete = new URL(page);
  complete.searchParams.set('user_code', userCode);
  return json(200, {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: page,
    // RFC 8628 §3.3.1: for a picture that the device shows. The code is confirmed all the same.
    verification_uri_complete: complete.href,
    expires_in: lifetime,
    interval,
  });
}

/** Device authorization (RFC 8628): endpoint, pages and grant. */
export const deviceAuthorization: FeatureFactory<DeviceAuthorizationOptions> =
  defineFeature<DeviceAuthorizationOptions>({
    name: 'device-authorization',
    description: 'The device authorization grant (RFC 8628)',
    options: {
      lifetime: {
        kind: 'seconds',
        description: 'Seconds in which a code is typed in and confirmed, at most 1800',
        default: 600,
        most: 1800,
      },
      interval: {
        kind: 'seconds',
        description: 'Seconds between two polls of a device, at first',
        default: 5,
        most: 60,
      },
      verificationUri: {
        kind: 'text',
        description: 'Address that devices show: one of yours that leads to the page for codes',
        nullable: true,
        default: null,
        defaultText: 'the address of that page',
        check(value, option, refuse) {
          if (URL.canParse(String(value)) && /^https?:/.test(String(value))) return;
          refuse(option, 'must be a URL.', 'Write it like https://id.example.com/device.');
        },
      },
      publicRequests: {
        kind: 'rate-limit',
        description: 'Requests of devices that are public clients, per network',
        default: { limit: 60, seconds: 900 },
      },
      attempts: {
        kind: 'rate-limit',
        description: 'Wrong codes per browser',
        default: { limit: 5, seconds: 900 },
      },
      attemptsByAddress: {
        kind: 'rate-limit',
        description: 'Wrong codes per network',
        default: { limit: 10, seconds: 900 },
      },
      attemptsInAll: {
        kind: 'rate-limit',
        description: 'Wrong codes in all',
        default: { limit: 10_000, seconds: 900 },
      },
      place: {
        kind: 'code',
        description: 'Words for the place of an address',
        default: null,
        check(value, option, refuse) {
          if (value !== null && typeof value !== 'function')
            refuse(option, 'must be a function.', 'Pass a function of an address.');
        },
      },
    },
    create(options) {
      const flow = deviceFlow(options.place);
      return {
        endpoints: [endpoint(options), codeEntry(flow, options)],
        grants: [deviceGrant],
        flows: [flow],
        steps: [deviceConfirmation],
        pages: [devicePage, deviceResultPage],
      };
    },
  });
