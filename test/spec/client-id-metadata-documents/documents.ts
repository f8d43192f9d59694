/** A host with a metadata document, and a world that accepts it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Config, clientIdMetadataDocuments } from 'valetkey';
import type { Visit } from 'valetkey/testing';
import { onTestFinished } from 'vitest';
import { browserOf, makeWorld, openAuthorize, type World } from '../setup.ts';

export const REDIRECT = 'https://assistant.example/cb';

/** What the host answers, and how often it was asked. */
export interface Host {
  readonly origin: string;
  /** The client_id that is good. */
  readonly clientId: string;
  /** The document, or a text as it is. */
  document: unknown;
  status: number;
  headers: Record<string, string>;
  asked: number;
  /** Stops to answer. */
  close(): Promise<void>;
}

/** A host with the document of a public client. */
export async function openHost(): Promise<Host> {
  const server = createServer((_request, response) => {
    host.asked += 1;
    response.writeHead(host.status, host.headers);
    const { document } = host;
    response.end(typeof document === 'string' ? document : JSON.stringify(document));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clientId = `${origin}/client.json`;
  let isOpen = true;
  const host: Host = {
    origin,
    clientId,
    document: { client_id: clientId, client_name: 'Assistant', redirect_uris: [REDIRECT] },
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'max-age=300' },
    asked: 0,
    async close() {
      if (!isOpen) return;
      isOpen = false;
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  onTestFinished(async () => await host.close());
  return host;
}

/** A world that reads documents of this host, as it would read public ones. */
export async function worldFor(
  host: Host,
  options: Parameters<typeof clientIdMetadataDocuments>[0] = {},
  config: Partial<Config> = {},
): Promise<World> {
  const features = [
    clientIdMetadataDocuments({
      enabled: true,
      allowInternalDocuments: config.allowOutbound ?? [host.origin],
      ...options,
    }),
  ];
  const world = await makeWorld({ features, allowOutbound: [host.origin], ...config });
  onTestFinished(async () => await world.provider.close());
  return world;
}

/** Opens the authorization endpoint with a good request of this client. */
export async function open(
  world: World,
  clientId: string,
  changes: Readonly<Record<string, string | null>> = {},
  browser = browserOf(world),
): Promise<Visit> {
  const ours = { client_id: clientId, redirect_uri: REDIRECT, ...changes };
  return await openAuthorize(world, browser, ours);
}
