/** Response types that a request may not have, and what each asks of a request. */
import { dpop, mutualTls } from 'valetkey';
import type { ScriptedBrowser } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusedRedirect } from '../refusals.ts';
import { browserOf, makeWorld, openAuthorize, post, type World } from '../setup.ts';
import { allowAll, half, implicitWorld, TYPES } from './responses.ts';

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await implicitWorld();
  await allowAll(world, world.web);
  browser = browserOf(world);
});

describe('what is refused', () => {
  it.each(TYPES)(
    '[RFC6749 §4.2.2.1] %s, in the fragment, of a client that is not registered for it',
    async (type) => {
      await world.provider.clients.update(world.web.clientId, {
        grantTypes: ['authorization_code'],
        responseTypes: ['code'],
      });
      const visit = await openAuthorize(world, browser, { response_type: type });
      expectRefusedRedirect(world, visit, {
        error: 'unauthorized_client',
        reason: 'response_type_not_allowed',
      });
      expect(visit.leaves?.search).toBe('');
    },
  );

  it.each(TYPES.filter((type) => type.split(' ').includes('token')))(
    '[RFC9700 §2.1.2] TK-11 %s, where the operator does not allow it',
    async (type) => {
      world = await makeWorld();
      const visit = await openAuthorize(world, browserOf(world), { response_type: type });
      expectRefusedRedirect(world, visit, {
        error: 'unsupported_response_type',
        reason: 'response_type',
      });
      const asked = { grantTypes: ['openid-hybrid', 'implicit'], responseTypes: [type] };
      await expect(world.provider.clients.update(world.web.clientId, asked)).rejects.toMatchObject({
        name: 'ClientMetadataError',
      });
    },
  );

  it.each(TYPES.filter((type) => type.split(' ').includes('id_token')))(
    '[OIDC Core §3.2.2.1] [OIDC Core §3.3.2.11] %s without a nonce, or without openid',
    async (type) => {
      for (const nonce of [null, ''])
        expectRefusedRedirect(
          world,
          await openAuthorize(world, browser, { response_type: type, nonce }),
          { error: 'invalid_request', reason: 'nonce_missing' },
        );
      expectRefusedRedirect(
        world,
        await openAuthorize(world, browser, { response_type: type, scope: 'read' }),
        { error: 'invalid_scope', reason: 'id_token_without_openid' },
      );
    },
  );

  it.each(['code', 'code token'])(
    '[OIDC Core §3.1.2.1] but not %s without a nonce, with PKCE',
    async (type) => {
      const visit = await openAuthorize(world, browser, { response_type: type, nonce: null });
      expect(visit.html).toContain('id="login-form"');
    },
  );

  it.each<[type: string, hasCode: boolean]>([
    ['id_token', false],
    ['id_token token', false],
    ['code id_token', true],
  ])('[RFC9700 §2.1.1] %s without PKCE, of a public client: %s', async (type, hasCode) => {
    await allowAll(world, world.spa);
    const visit = await openAuthorize(world, browser, {
      client_id: world.spa.clientId,
      redirect_uri: 'https://spa.example/cb',
      response_type: type,
      code_challenge: null,
      code_challenge_method: null,
    });
    if (!hasCode) expect(visit.html).toContain('id="login-form"');
    else
      expectRefusedRedirect(world, visit, {
        error: 'invalid_request',
        reason: 'code_challenge_missing',
      });
  });

  it('[OAuth Multiple Response Types §5] response_mode=query, and the refusal is in the fragment', async () => {
    for (const response_type of TYPES) {
      const visit = await openAuthorize(world, browser, { response_type, response_mode: 'query' });
      expectRefusedRedirect(world, visit, { error: 'invalid_request', reason: 'response_mode' });
      expect(visit.leaves?.search).toBe('');
    }
  });

  it.each(['token', 'id_token token', 'code token', 'code id_token token'])(
    '[RFC9449 §5] SC-07 %s of a client whose tokens are bound, or of a request that binds them',
    async (response_type) => {
      const refused = { error: 'invalid_request', reason: 'front_channel_unbound' };
      const dpop_jkt = half('x').padEnd(43, 'A');
      const bound = await openAuthorize(world, browser, { response_type, dpop_jkt });
      expectRefusedRedirect(world, bound, refused);
      for (const field of [
        'dpop_bound_access_tokens',
        'tls_client_certificate_bound_access_tokens',
      ]) {
        world = await implicitWorld({ features: [dpop(), mutualTls({ enabled: true })] });
        await allowAll(world, world.web);
        await world.provider.clients.update(world.web.clientId, { fields: { [field]: true } });
        const visit = await openAuthorize(world, browserOf(world), { response_type });
        expectRefusedRedirect(world, visit, refused);
      }
    },
  );

  it('[RFC6749 §5.2] implicit at the token endpoint', async () => {
    const { status, body } = await post(world, 'token', { grant_type: 'implicit' });
    expect([status, body['error']]).toEqual([400, 'unsupported_grant_type']);
  });

  it('[OIDC Core §3.1.2.6] prompt=none without a session, in the fragment', async () => {
    const visit = await openAuthorize(world, browser, {
      response_type: 'id_token',
      prompt: 'none',
    });
    expectRefusedRedirect(world, visit, { error: 'login_required', reason: 'prompt_none' });
    expect(visit.leaves?.search).toBe('');
  });
});
