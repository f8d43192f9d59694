/**
 * Client authentication with a JWT (RFC 7523 §2.2, OIDC Core §9): `private_key_jwt`, and, where the
 * operator allows it, `client_secret_jwt`.
 */
import type { ClientAuthenticationMethod } from '../../engine/contracts/client-authentication.ts';
import { clientField } from '../../engine/contracts/client-field.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { CLIENT_KEY_ALGS } from '../../protocol/key-sets.ts';
import { presentedAssertion } from './client-assertion.ts';

/** Options of `jwtClientAuthentication`. */
export interface JwtClientAuthenticationOptions {
  /**
   * Weakens: offers `client_secret_jwt`, whose secret this provider must be able to read.
   * @default false
   */
  readonly allowClientSecretJwt: boolean;
  /**
   * Weakens: an assertion may name the URL of an endpoint as its audience, for every client. The
   * field `allow_endpoint_audience` does the same for one client.
   * @default false
   */
  readonly allowEndpointAudience: boolean;
}

const SECRET_ALGS = ['HS256'];

/** RFC 10070: who may name an endpoint instead of the issuer. */
const allowEndpointAudience = clientField<boolean>({
  wireName: 'allow_endpoint_audience',
  kind: 'flag',
  default: false,
  flag: 'allow-endpoint-audience',
  setBy: 'operator',
  description: 'allow its assertions to name an endpoint as audience instead of the issuer',
});

function methodOf(
  name: 'private_key_jwt' | 'client_secret_jwt',
  allowsEndpoint: boolean,
): ClientAuthenticationMethod {
  const algs = name === 'private_key_jwt' ? CLIENT_KEY_ALGS : SECRET_ALGS;
  return {
    name,
    needs: name === 'private_key_jwt' ? 'keys' : 'readable_secret',
    algs,
    detect: (ctx, params) =>
      presentedAssertion(ctx, params, {
        name,
        algs,
        allowsEndpoint: (client) => allowsEndpoint || allowEndpointAudience(client),
      }),
  };
}

/** The endpoints whose methods have members of their own in the metadata. */
const WITH_METHODS = ['token_endpoint', 'revocation_endpoint', 'introspection_endpoint'];

/** Client authentication with a JWT (RFC 7523 §2.2). */
export const jwtClientAuthentication: FeatureFactory<JwtClientAuthenticationOptions> =
  defineFeature<JwtClientAuthenticationOptions>({
    name: 'jwt-client-authentication',
    description: 'Client authentication with a JWT (RFC 7523 §2.2)',
    options: {
      allowClientSecretJwt: {
        kind: 'flag',
        description: 'Weakens: client_secret_jwt, for which secrets must be kept readable',
        default: false,
      },
      allowEndpointAudience: {
        kind: 'flag',
        description: 'Weakens: assertions may name an endpoint as audience (RFC 10070)',
        default: false,
      },
    },
    create({ allowClientSecretJwt, allowEndpointAudience: allowsEndpoint }) {
      const methods = [
        methodOf('private_key_jwt', allowsEndpoint),
        ...(allowClientSecretJwt ? [methodOf('client_secret_jwt', allowsEndpoint)] : []),
      ];
      const algs = methods.flatMap((method) => method.algs ?? []);
      return {
        clientAuthenticationMethods: methods,
        clientFields: [allowEndpointAudience],
        // RFC 8414 §2: needed where a method signs, at each endpoint that has methods.
        metadata: (_settings, addresses) =>
          Object.fromEntries(
            WITH_METHODS.filter((name) => Object.hasOwn(addresses, name)).map((name) => [
              `${name}_auth_signing_alg_values_supported`,
              algs,
            ]),
          ),
      };
    },
  });
