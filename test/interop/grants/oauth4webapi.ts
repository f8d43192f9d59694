/** An application that uses oauth4webapi. */
import { compactDecrypt } from 'jose';
import * as oauth from 'oauth4webapi';
import type { Application, Credentials, Library, Ways } from './application.ts';
import { formOf } from './application.ts';
import { discovered, REDIRECT_URI } from './provider.ts';

function authentication({ method, key, clientSecret }: Credentials): oauth.ClientAuth {
  if (method === 'private_key_jwt') return oauth.PrivateKeyJwt(key);
  if (method === 'client_secret_post') return oauth.ClientSecretPost(clientSecret);
  return oauth.ClientSecretBasic(clientSecret);
}

/** RFC 9449 §8: the first answer tells the nonce, with which the request is sent again. */
async function withNonce<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (problem) {
    if (oauth.isDPoPNonceError(problem)) return await request();
    throw problem;
  }
}

export const oauth4webapi: Library = {
  name: 'oauth4webapi',
  async open(credentials): Promise<Application> {
    const { op, clientId, dpop, key, fields, isJarm, decryptionKey } = credentials;
    const as = await discovered(op.issuer);
    const own: oauth.Client = { client_id: clientId, ...fields };
    const auth = authentication(credentials);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const options = {
      ...insecure,
      ...(dpop === null ? {} : { DPoP: oauth.DPoP(own, dpop) }),
    };
    const opening =
      decryptionKey === null
        ? {}
        : { [oauth.jweDecrypt]: async (jwe: string) => await decrypted(jwe, decryptionKey) };

    const requestOf = async (asked: URLSearchParams, { par, jar }: Ways): Promise<URL> => {
      let sent = asked;
      if (jar === true)
        sent = new URLSearchParams({
          client_id: clientId,
          request: await oauth.issueRequestObject(as, own, asked, key),
        });
      if (par === true) {
        const pushed = await withNonce(
          async () =>
            await oauth.processPushedAuthorizationResponse(
              as,
              own,
              await oauth.pushedAuthorizationRequest(as, own, auth, sent, options),
            ),
        );
        sent = new URLSearchParams({ client_id: clientId, request_uri: pushed.request_uri });
      }
      return new URL(`${as.authorization_endpoint}?${sent}`);
    };

    const generic = async (grantType: string, parameters: URLSearchParams) =>
      await withNonce(
        async () =>
          await oauth.processGenericTokenEndpointResponse(
            as,
            own,
            await oauth.genericTokenEndpointRequest(as, own, auth, grantType, parameters, options),
          ),
      );

    return {
      clientId,
      async signIn(parameters, ways = {}, more = {}) {
        const verifier = oauth.generateRandomCodeVerifier();
        const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
        const asked = formOf({
          client_id: clientId,
          response_type: 'code',
          redirect_uri: REDIRECT_URI,
          state,
          nonce,
          code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
          ...(isJarm ? { response_mode: 'jwt' } : {}),
          ...parameters,
        });
        const arrived = await op.browse(await requestOf(asked, ways));
        const answer = isJarm
          ? await oauth.validateJwtAuthResponse(as, own, arrived, state, {
              ...insecure,
              ...opening,
            })
          : oauth.validateAuthResponse(as, own, arrived, state);
        return await withNonce(async () => {
          const sent = { ...options, additionalParameters: formOf(more) };
          const response = await oauth.authorizationCodeGrantRequest(
            as,
            own,
            auth,
            answer,
            REDIRECT_URI,
            verifier,
            sent,
          );
          return await oauth.processAuthorizationCodeResponse(as, own, response, {
            expectedNonce: nonce,
          });
        });
      },
      refresh: async (token, parameters = {}) =>
        await withNonce(
          async () =>
            await oauth.processRefreshTokenResponse(
              as,
              own,
              await oauth.refreshTokenGrantRequest(as, own, auth, token, {
                ...options,
                additionalParameters: formOf(parameters),
              }),
            ),
        ),
      clientCredentials: async (parameters) =>
        await withNonce(
          async () =>
            await oauth.processClientCredentialsResponse(
              as,
              own,
              await oauth.clientCredentialsGrantRequest(as, own, auth, formOf(parameters), options),
            ),
        ),
      async device(parameters) {
        const device = await oauth.processDeviceAuthorizationResponse(
          as,
          own,
          await oauth.deviceAuthorizationRequest(as, own, auth, formOf(parameters), insecure),
        );
        await op.allowDevice(device.user_code);
        return await withNonce(
          async () =>
            await oauth.processDeviceCodeResponse(
              as,
              own,
              await oauth.deviceCodeGrantRequest(as, own, auth, device.device_code, options),
            ),
        );
      },
      generic: async (grantType, parameters) => await generic(grantType, formOf(parameters)),
      userinfo: async (token, sub) =>
        await withNonce(
          async () =>
            (await oauth.processUserInfoResponse(
              as,
              own,
              sub,
              await oauth.userInfoRequest(as, own, token, options),
            )) as Record<string, unknown>,
        ),
      async introspect(token) {
        const response = await oauth.introspectionRequest(as, own, auth, token, insecure);
        const told = await oauth.processIntrospectionResponse(as, own, response, opening);
        // RFC 9701 §5: what is signed can be shown to others later.
        if (own['introspection_signed_response_alg'] !== undefined)
          await oauth.validateApplicationLevelSignature(as, response, insecure);
        return told as Record<string, unknown>;
      },
      async revoke(token) {
        const response = await oauth.revocationRequest(as, own, auth, token, insecure);
        await oauth.processRevocationResponse(response);
      },
      call: async (url, token) =>
        await oauth.protectedResourceRequest(token, 'GET', url, undefined, null, options),
    };
  },
};

async function decrypted(jwe: string, key: CryptoKey): Promise<string> {
  return new TextDecoder().decode((await compactDecrypt(jwe, key)).plaintext);
}
