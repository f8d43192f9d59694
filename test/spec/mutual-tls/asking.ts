/** Registering clients with certificates, and asking as one. */
import type { Client, ClientCertificate, ClientMetadata } from 'valetkey';
import { type Answer, ISSUER, REDIRECT_URI, read, type World } from '../setup.ts';

export async function registerIn(
  world: World,
  method: string,
  fields: Readonly<Record<string, unknown>>,
  more: Partial<ClientMetadata> = {},
): Promise<Client> {
  const made = await world.provider.clients.create({
    name: method,
    redirectUris: [REDIRECT_URI],
    grantTypes: ['authorization_code', 'client_credentials', 'refresh_token'],
    scopes: ['openid', 'read', 'introspection'],
    tokenEndpointAuthMethod: method,
    fields,
    ...more,
  });
  return made.client;
}

/** Posts a form over a connection with this certificate. */
export async function sendTo(
  world: World,
  path: string,
  fields: Readonly<Record<string, string>>,
  certificate: ClientCertificate | null,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const request = new Request(`${ISSUER}/o/${path}`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(fields),
  });
  const info = { ip: '192.0.2.1', certificate: () => certificate };
  return await read(await world.provider.fetch(request, info));
}
