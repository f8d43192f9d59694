/** How refusals and failures are answered: as a page or as JSON, and without a word too many. */

import { builtInPages } from 'valetkey/pages';
import { beforeEach, expect, it } from 'vitest';
import { expectErrorPage, expectRefusal } from '../refusals.ts';
import {
  authorizeUrl,
  browserOf,
  getTokens,
  ISSUER,
  makeWorld,
  post,
  read,
  type World,
} from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
it('shows a page where there is nothing at an address', async () => {
  const seen = await browserOf(world).open(`${ISSUER}/o/nothing/`);
  expectErrorPage(seen, { status: 404, code: 'invalid_request', reason: 'path_unknown' });
});
it('answers in JSON where JSON is asked for', async () => {
  const request = new Request(`${ISSUER}/o/authorize/?client_id=nope`, {
    headers: { accept: 'application/json' },
  });
  const answer = await read(await world.provider.fetch(request));
  expectRefusal(world, answer, {
    status: 400,
    error: 'invalid_request',
    reason: 'client_unknown',
  });
  expect(answer.headers.get('content-type')).toBe('application/json');
  expect(answer.body['error_description']).toBe('The application is not registered here.');
});
it('answers in JSON when the error page of the host throws', async () => {
  const error = (): string => {
    throw new Error('template');
  };
  world = await makeWorld({ pages: { ...builtInPages(), error } });
  const answer = await read(await world.provider.fetch(new Request(`${ISSUER}/o/authorize/`)));
  expect([answer.status, answer.body]).toEqual([
    400,
    { error: 'invalid_request', error_description: 'The parameter client_id is missing.' },
  ]);
});
it('UI-07 reflects nothing raw in error pages, and answers JSON as JSON only', async () => {
  const visit = await browserOf(world).open(
    authorizeUrl(world, 'client_id=x&error_hint=<script>alert(1)</script>&redirect_uri=<b>'),
  );
  expect(visit.html).not.toMatch(/<script>|<b>/);
  const answer = await post(world, 'token', { grant_type: '<script>', '<script>': 'x' });
  expect([
    answer.headers.get('content-type'),
    answer.headers.get('x-content-type-options'),
  ]).toEqual(['application/json', 'nosniff']);
  expect(JSON.stringify(answer.body)).not.toContain('<');
});
it('answers a failure nobody foresaw with 500 server_error and tells nothing', async () => {
  const { refresh_token } = await getTokens(world);
  Object.assign(world.provider.store.tokens, {
    revokeFamily: async () => Promise.reject(new Error('secret detail')),
  });
  const answer = await post(world, 'revoke-token', { token: refresh_token });
  expectRefusal(world, answer, { status: 500, error: 'server_error', reason: 'unexpected' });
  expect(answer.body['error_description']).toBe('Something went wrong on our side.');
});
