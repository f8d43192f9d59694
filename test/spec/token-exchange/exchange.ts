/** A world with token exchange (RFC 8693): who holds a token, and who exchanges it. */
import {
  type Config,
  type ExchangePolicy,
  jwtAccessTokens,
  resourceIndicators,
  type TokenExchangeOptions,
  tokenExchange,
} from 'valetkey';
import { type Answer, basic, getTokens, makeWorld, post, type World } from '../setup.ts';

export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
export const API = 'https://api.example/v1';
export const DOWNSTREAM = 'https://downstream.example';

/** A world in which the other client may exchange tokens. */
export async function exchangeWorld(
  policy: ExchangePolicy = () => ({ allow: true }),
  more: Partial<TokenExchangeOptions> = {},
  config: Partial<Config> = {},
): Promise<World> {
  const world = await makeWorld({
    features: [
      tokenExchange({ policy, ...more }),
      resourceIndicators({ enabled: true, resources: [API, DOWNSTREAM] }),
      jwtAccessTokens({}),
    ],
    ...config,
  });
  await world.provider.clients.update(world.other.clientId, {
    tokenEndpointAuthMethod: 'client_secret_basic',
    grantTypes: [EXCHANGE, 'client_credentials', 'refresh_token'],
    responseTypes: [],
  });
  return world;
}

export const asOther = (world: World) => ({
  authorization: basic(world.other.clientId, world.otherSecret),
});

/** A token of the person, which the web client got. */
export async function subjectToken(
  world: World,
  asked: Readonly<Record<string, string | null>> = {},
): Promise<string> {
  return (await getTokens(world, { scope: 'openid read write', ...asked })).access_token;
}

/** The other client exchanges a token. */
export async function exchange(
  world: World,
  token: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const fields = {
    grant_type: EXCHANGE,
    subject_token: token,
    subject_token_type: ACCESS_TOKEN,
    ...more,
  };
  return await post(world, 'token', fields, asOther(world));
}

/** What introspection tells the client that got a token. */
export async function toldOf(world: World, { body }: Answer): Promise<Record<string, unknown>> {
  const token = String(body['access_token']);
  return (await post(world, 'introspect', { token }, asOther(world))).body;
}
