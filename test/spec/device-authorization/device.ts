/** A world with the device authorization grant (RFC 8628); what a device does, and its user. */
import { type Config, type DeviceAuthorizationOptions, deviceAuthorization } from 'valetkey';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { expect } from 'vitest';
import { ALICE, type Answer, basic, ISSUER, logIn, makeWorld, read, type World } from '../setup.ts';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
/** The page for user codes. */
export const DEVICE_PAGE = `${ISSUER}/o/device/`;

export interface Device {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
}

export async function makeDeviceWorld(
  options: Partial<DeviceAuthorizationOptions> = {},
  config: Partial<Config> = {},
): Promise<World> {
  const world = await makeWorld({ features: [deviceAuthorization(options)], ...config });
  const grantTypes = [DEVICE_GRANT, 'refresh_token', 'authorization_code'];
  await world.provider.clients.update(world.web.clientId, { grantTypes });
  await world.provider.clients.update(world.spa.clientId, { grantTypes });
  return world;
}

export function asWeb(world: World): Readonly<Record<string, string>> {
  return { authorization: basic(world.web.clientId, world.webSecret) };
}

/** Posts a form as a device does, of the web client and from its own network unless told. */
export async function send(
  world: World,
  path: 'device_authorization/' | 'token/',
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = asWeb(world),
  ip = '198.51.100.7',
): Promise<Answer> {
  const all = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
  const body = new URLSearchParams(fields).toString();
  const request = new Request(`${ISSUER}/o/${path}`, { method: 'POST', headers: all, body });
  return await read(await world.provider.fetch(request, { ip }));
}

/** The device asks for its codes. */
export async function startDevice(
  world: World,
  fields: Readonly<Record<string, string>> = { scope: 'openid read' },
): Promise<Device> {
  const { status, body } = await send(world, 'device_authorization/', fields);
  expect([status, body]).toEqual([200, expect.anything()]);
  return body as unknown as Device;
}

/** The device asks for its tokens. */
export async function poll(
  world: World,
  { device_code }: Pick<Device, 'device_code'>,
): Promise<Answer> {
  return await send(world, 'token/', { grant_type: DEVICE_GRANT, device_code });
}

export async function pollLater(world: World, device: Device, seconds = 5): Promise<Answer> {
  world.now += seconds;
  return await poll(world, device);
}

/** The user types a code. */
export async function enterCode(browser: ScriptedBrowser, userCode: string): Promise<Visit> {
  return await browser.submit(await browser.open(DEVICE_PAGE), { user_code: userCode });
}

/** The user types the code and signs in. */
export async function toConfirmation(
  browser: ScriptedBrowser,
  device: Device,
  user: { readonly username: string; readonly password: string } = ALICE,
): Promise<Visit> {
  return await logIn(browser, await enterCode(browser, device.user_code), user);
}

/** The user types the code, signs in and decides. */
export async function decideOn(
  browser: ScriptedBrowser,
  device: Device,
  decision: 'allow' | 'deny' = 'allow',
): Promise<Visit> {
  return await browser.submit(await toConfirmation(browser, device), { decision });
}

/** The form or the result on a page. */
export function shows({ html }: Visit): string {
  const known =
    /id="(device-form|device-confirmation-form|login-form|device-allowed|device-denied|error-title)"/;
  return known.exec(html)?.[1] ?? html;
}
