/** Scopes that a function of the host decides about, on every way to a token (RFC 6749 §3.3). */
import { type Config, resourceIndicators, type ScopesRequest } from 'valetkey';
import { describe, expect, it } from 'vitest';
import { expectRefusal, expectRefusedRedirect } from '../refusals.ts';
import { browserOf, getTokens, makeWorld, openAuthorize, post, type World } from '../setup.ts';

const world = async (
  offered: readonly string[],
  more: Partial<Config> = {},
  asked: ScopesRequest[] = [],
): Promise<World> =>
  await makeWorld({
    scopesFor(request) {
      asked.push(request);
      return offered;
    },
    ...more,
  });
const forClient = async (made: World, scope?: string) =>
  await post(made, 'token', {
    grant_type: 'client_credentials',
    ...(scope === undefined ? {} : { scope }),
  });

describe('a function that says which scopes a client may have', () => {
  it('[RFC6749 §3.3] takes others away at authorization, and says who asks', async () => {
    const asked: ScopesRequest[] = [];
    const made = await world(['openid', 'read'], {}, asked);
    const tokens = await getTokens(made, { scope: 'openid read write' });
    expect(tokens.scope).toBe('openid read');
    expect(asked[0]).toMatchObject({ acting: 'for-user', client: { clientId: made.web.clientId } });
  });
  it('[RFC6749 §3.3] leaves nothing: invalid_scope', async () => {
    const made = await world([]);
    const visit = await openAuthorize(made, browserOf(made), { scope: 'read' });
    expectRefusedRedirect(made, visit, { error: 'invalid_scope', reason: 'scope_not_available' });
    expectRefusal(made, await forClient(made, 'read'), {
      status: 400,
      error: 'invalid_scope',
      reason: 'scope_not_available',
    });
  });
  it('[RFC6749 §3.3] adds nothing to what the client is registered for', async () => {
    const made = await world(['read', 'write', 'unknown']);
    await made.provider.clients.update(made.web.clientId, { scopes: ['read'] });
    expect((await forClient(made, 'read write unknown')).body['scope']).toBe('read');
  });
  it('[RFC6749 §6] holds at once for refresh tokens that were granted more', async () => {
    const offered = ['openid', 'read', 'write'];
    const made = await world(offered);
    const tokens = await getTokens(made, { scope: 'openid read write' });
    offered.pop();
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token };
    expect((await post(made, 'token', refresh)).body['scope']).toBe('openid read');
  });
  it('[OIDC Core §5.5] keeps claims by name back whose scope it takes away', async () => {
    const made = await world(['openid']);
    const claims = JSON.stringify({ userinfo: { email: null } });
    const tokens = await getTokens(made, { scope: 'openid', claims });
    const bearer = { authorization: `Bearer ${tokens.access_token}` };
    const { body } = await post(made, 'userinfo', '', bearer);
    expect(Object.keys(body)).toEqual(['sub']);
  });
  it('[RFC6749 §3.3] may say the default ones', async () => {
    const made = await makeWorld({
      defaultScopes: ['write'],
      scopesFor: async () =>
        await Promise.resolve({ available: ['read', 'write'], default: ['read'] }),
    });
    expect((await forClient(made)).body['scope']).toBe('read');
  });
  it('[RFC8707 §2] goes with the scopes of an API', async () => {
    const resources = [{ resource: 'https://api.example', scopes: ['read', 'write'] }];
    const features = [resourceIndicators({ enabled: true, resources })];
    const made = await world(['read'], { features });
    const fields = { grant_type: 'client_credentials', scope: 'read write' };
    const answer = await post(made, 'token', { ...fields, resource: 'https://api.example' });
    expect(answer.body['scope']).toBe('read');
  });
});
