/** Registering, and managing a registration, through the endpoints. */
import { type Config, type DynamicRegistrationOptions, dynamicRegistration } from 'valetkey';
import { type Answer, makeWorld, read, type World } from '../setup.ts';

/** A world where clients register themselves. */
export async function registeringWorld(
  options: Partial<DynamicRegistrationOptions> = {},
  config: Partial<Config> = {},
): Promise<World> {
  const features = [dynamicRegistration({ enabled: true, ...options })];
  return await makeWorld({ features, ...config });
}

/** Metadata of a confidential client that can be registered. */
export const GOOD = { client_name: 'My app', redirect_uris: ['https://app.example/cb'] };

export interface Sending {
  readonly token?: string;
  readonly ip?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends JSON, or a text as it is. */
export async function send(
  world: World,
  method: string,
  url: string,
  body: unknown,
  { token, ip = '192.0.2.7', headers = {} }: Sending = {},
): Promise<Answer> {
  const request = new Request(url, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return await read(await world.provider.fetch(request, { ip }));
}

export async function register(
  world: World,
  body: unknown = GOOD,
  sending: Sending = {},
): Promise<Answer> {
  return await send(world, 'POST', world.provider.url('registration'), body, sending);
}

/** A new initial access token. */
export async function tokenFor(world: World, uses = 1): Promise<string> {
  return (await world.provider.initialAccessTokens.create({ name: 'a team', uses })).token;
}

/** A client that registered itself, as it was told. */
export interface Registered {
  readonly client_id: string;
  readonly client_secret?: string;
  readonly registration_access_token: string;
  readonly registration_client_uri: string;
  readonly [member: string]: unknown;
}

/** Registers with a new initial access token. */
export async function registered(world: World, body: object = GOOD): Promise<Registered> {
  const answer = await register(world, body, { token: await tokenFor(world) });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body as unknown as Registered;
}

/** The number of clients that there are, besides those of the world. */
export async function howMany({ provider }: World): Promise<number> {
  return (await provider.clients.list({ limit: 1000 })).length - 3;
}
