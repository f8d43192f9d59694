/** An application that uses openid-client. */
import * as client from 'openid-client';
import type { Application, Credentials, Library, Ways } from './application.ts';
import { formOf } from './application.ts';
import { REDIRECT_URI } from './provider.ts';

function authentication({ method, key, clientSecret }: Credentials): client.ClientAuth {
  if (method === 'private_key_jwt') return client.PrivateKeyJwt(key);
  if (method === 'client_secret_post') return client.ClientSecretPost(clientSecret);
  return client.ClientSecretBasic(clientSecret);
}

async function configured(credentials: Credentials): Promise<client.Configuration> {
  const { op, clientId, fields, isJarm, decryptionKey } = credentials;
  const config = await client.discovery(
    new URL(op.issuer),
    clientId,
    { ...fields },
    authentication(credentials),
    { execute: [client.allowInsecureRequests] },
  );
  if (isJarm) client.useJwtResponseMode(config);
  if (decryptionKey !== null)
    client.enableDecryptingResponses(config, undefined, { key: decryptionKey, kid: 'enc' });
  return config;
}

export const openidClient: Library = {
  name: 'openid-client',
  async open(credentials): Promise<Application> {
    const { op, clientId, dpop, key } = credentials;
    const config = await configured(credentials);
    const bound = dpop === null ? {} : { DPoP: client.getDPoPHandle(config, dpop) };

    const authorizationUrl = async (asked: URLSearchParams, { par, jar }: Ways): Promise<URL> => {
      const parameters =
        jar === true
          ? (await client.buildAuthorizationUrlWithJAR(config, asked, key)).searchParams
          : asked;
      return par === true
        ? await client.buildAuthorizationUrlWithPAR(config, parameters, bound)
        : client.buildAuthorizationUrl(config, parameters);
    };

    return {
      clientId,
      async signIn(parameters, ways = {}, more = {}) {
        const verifier = client.randomPKCECodeVerifier();
        const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
        const asked = formOf({
          redirect_uri: REDIRECT_URI,
          state: expectedState,
          nonce: expectedNonce,
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
          ...parameters,
        });
        return await client.authorizationCodeGrant(
          config,
          await op.browse(await authorizationUrl(asked, ways)),
          { pkceCodeVerifier: verifier, expectedState, expectedNonce },
          formOf(more),
          bound,
        );
      },
      refresh: async (token, parameters = {}) =>
        await client.refreshTokenGrant(config, token, formOf(parameters), bound),
      clientCredentials: async (parameters) =>
        await client.clientCredentialsGrant(config, formOf(parameters), bound),
      async device(parameters) {
        const device = await client.initiateDeviceAuthorization(config, formOf(parameters));
        await op.allowDevice(device.user_code);
        // Nobody waits for the first poll, which comes after the decision.
        return await client.pollDeviceAuthorizationGrant(
          config,
          { ...device, interval: 0 },
          undefined,
          bound,
        );
      },
      generic: async (grantType, parameters) =>
        await client.genericGrantRequest(config, grantType, formOf(parameters), bound),
      userinfo: async (token, sub) =>
        (await client.fetchUserInfo(config, token, sub, bound)) as Record<string, unknown>,
      introspect: async (token) =>
        (await client.tokenIntrospection(config, token)) as Record<string, unknown>,
      revoke: async (token) => await client.tokenRevocation(config, token),
      call: async (url, token) =>
        await client.fetchProtectedResource(config, token, url, 'GET', null, undefined, bound),
    };
  },
};
