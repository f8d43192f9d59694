/**
 * Forms after Express body parsers have read them: no parameter is lost, and no parameter gets
 * another meaning.
 */
import { createServer, type Server } from 'node:http';
import express from 'express';
import { expressValetkey } from 'valetkey/express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, makeWorld, type World } from '../spec/setup.ts';

type Handler = express.RequestHandler;
const FORM = 'application/x-www-form-urlencoded';
const keep: Handler = (request, _response, next) => {
  Object.assign(request, { rawBody: request.body, body: { grant_type: 'password' } });
  next();
};
const lose: Handler = (request, _response, next) => {
  request.resume().on('end', () => next());
};

let world: World;
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

/** Mounts the provider behind these parsers. The result posts to its token endpoint. */
async function behind(parsers: readonly Handler[]): Promise<(body: string) => Promise<unknown[]>> {
  world = await makeWorld();
  const failed: express.ErrorRequestHandler = (error: Error, _request, response, _next) => {
    response
      .status(599)
      .json({ error: error.message.includes('rawBody') ? 'body_lost' : error.message });
  };
  const server = createServer(express().use(...parsers, expressValetkey(world.provider), failed));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const authorization = basic(world.web.clientId, world.webSecret);
  return async (body) => {
    const headers = {
      'content-type': FORM,
      ...(body.includes('client_secret') ? {} : { authorization }),
    };
    const answer = await fetch(`http://127.0.0.1:${port}/o/token/`, {
      method: 'POST',
      headers,
      body,
    });
    const json = (await answer.json()) as Record<string, unknown>;
    return [answer.status, json['error'] ?? json['scope']];
  };
}

const PARSERS: [name: string, parsers: Handler[]][] = [
  ['none', []],
  ['raw()', [express.raw({ type: FORM })]],
  ['text()', [express.text({ type: FORM })]],
  ['raw(), kept as rawBody', [express.raw({ type: FORM }), keep]],
  ['text(), kept as rawBody', [express.text({ type: FORM }), keep]],
  ['urlencoded({ extended: true })', [express.urlencoded({ extended: true })]],
  ['urlencoded({ extended: false })', [express.urlencoded({ extended: false })]],
];

describe.each(PARSERS)('after %s', (_name, parsers) => {
  let ask: (body: string) => Promise<unknown[]>;
  beforeAll(async () => {
    ask = await behind(parsers);
  });
  it('[RFC6749 §4.4] the provider answers a token request', async () => {
    expect(await ask('grant_type=client_credentials&scope=read+write')).toEqual([
      200,
      'read write',
    ]);
  });
  it('[RFC6749 §3.2] TK-10 the provider refuses a repeated parameter', async () => {
    expect(await ask('grant_type=client_credentials&scope=read&scope=write')).toEqual([
      400,
      'invalid_request',
    ]);
    expect(world.reasons.at(-1)).toBe('repeated_parameter');
  });
  it.each([
    'grant_type[]=client_credentials',
    'grant_type[0]=client_credentials',
    'grant_type[a]=client_credentials',
  ])('[RFC6749 §3.2] IN-02 %s does not count as grant_type', async (body) => {
    expect(await ask(`${body}&scope=read`)).toEqual([400, 'invalid_request']);
    expect(world.reasons.at(-1)).toBe('missing_parameter');
  });
  it.each(['client_secret[]', 'client_secret[0]', 'client_secret[x]'])(
    '[RFC6749 §2.3.1] IN-02 CL-04 %s does not count as client_secret',
    async (name) => {
      const { clientId } = world.other;
      const form = `grant_type=authorization_code&code=x&client_id=${clientId}`;
      expect(await ask(`${form}&${encodeURIComponent(name)}=${world.otherSecret}`)).toEqual([
        401,
        'invalid_client',
      ]);
      expect(world.reasons.at(-1)).toBe('client_authentication_method');
      expect(await ask(`${form}&client_secret=${world.otherSecret}`)).toEqual([
        400,
        'invalid_grant',
      ]);
    },
  );
  it.each([
    'scope[]=read',
    'scope[a][b]=read',
    '__proto__[x]=1',
    'constructor[prototype][x]=1',
    'toString=1',
  ])('IN-02 a parameter name has no effect on objects: %s', async (extra) => {
    expect(await ask(`grant_type=client_credentials&${extra}`)).toEqual([200, undefined]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

describe('after a parser that discards the body', () => {
  it('the provider passes an error to the host, and answers nothing itself', async () => {
    expect(await (await behind([lose]))('grant_type=client_credentials')).toEqual([
      599,
      'body_lost',
    ]);
  });
});
