/** Tokens that are bound to a certificate, over TLS and behind a proxy, in each framework. */
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { request as send } from 'node:http';
import { createServer, request as sendTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { certificateThumbprint } from 'valetkey';
import { createResource } from 'valetkey/resource';
import { expressProtect } from 'valetkey/resource/express';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  type Authority,
  type Made,
  makeAuthority,
  shown,
} from '../spec/mutual-tls/certificates.ts';
import { sourceOf } from './apis.ts';
import { FRAMEWORKS, listen } from './frameworks.ts';
import { API, NOW } from './signed.ts';

let authority: Authority;
let [good, other, host]: Made[] = [];
beforeAll(() => {
  authority = makeAuthority();
  [good, other, host] = ['good', 'other', 'localhost'].map((name) =>
    authority.issue(`/CN=${name}`),
  );
});
afterAll(() => authority.remove());

async function status(
  asked: (answer: (response: IncomingMessage) => void) => ReturnType<typeof send>,
): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    asked((response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

const bound = (): ReturnType<typeof createResource> =>
  createResource({
    resource: API,
    tokens: sourceOf({
      tls: { cnf: { 'x5t#S256': certificateThumbprint(shown(good!, false)) } },
    }),
    clock: () => NOW,
  });
const headers = { authorization: 'Bearer tls' };

/** The same routes, over TLS. */
async function overTls(server: Server): Promise<number> {
  const [listener] = server.listeners('request') as RequestListener[];
  const { key, cert } = host!;
  const tls = createServer(
    { key, cert, ca: authority.cert, requestCert: true, rejectUnauthorized: false },
    listener,
  );
  await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void tls.close());
  return (tls.address() as AddressInfo).port;
}

describe.each(Object.keys(FRAMEWORKS))('%s', (framework) => {
  it('[RFC8705 §3] SC-09 accepts the token on a connection with its certificate alone', async () => {
    const server = await FRAMEWORKS[framework]!(bound(), { '/v1/any': {} }, {});
    const port = await overTls(server);
    const ask = async (shows: Made | null): Promise<number | undefined> =>
      await status((answer) =>
        sendTls(
          {
            ...{ port, path: '/v1/any', headers, rejectUnauthorized: false, agent: false },
            ...(shows === null ? {} : { key: shows.key, cert: shows.cert }),
          },
          answer,
        ),
      );
    expect(await ask(null)).toBe(401);
    expect(await ask(other!)).toBe(401);
    expect(await ask(good!)).toBe(200);
  });

  it('SC-09 believes no header about certificates, unless a proxy is named', async () => {
    const field = `:${Buffer.from(shown(good!, false).der).toString('base64')}:`;
    const told = { ...headers, 'client-cert': field };
    const ask = async (options: {
      trustProxy?: readonly string[];
    }): Promise<number | undefined> => {
      const server = await FRAMEWORKS[framework]!(bound(), { '/v1/any': {} }, options);
      onTestFinished(() => void server.close());
      const { port } = new URL(await listen(server));
      return await status((answer) => send({ port, path: '/v1/any', headers: told }, answer));
    };
    expect(await ask({})).toBe(401);
    const hasOption = ['express', 'fastify', 'koa'].includes(framework);
    if (hasOption) expect(await ask({ trustProxy: ['127.0.0.1'] })).toBe(200);
  });
});

it('a number of hops beside headers with certificates is refused at the start', () => {
  const options = { trustProxy: 1, certificateHeaders: { certificate: 'client-cert' } };
  expect(() => expressProtect(bound(), options)).toThrow('certificateHeaders needs the addresses');
});
