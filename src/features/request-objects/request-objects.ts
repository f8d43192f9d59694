/**
 * Request objects (OIDC Core §6, RFC 9101): an authorization request as a JWT that the client
 * signed, by value (`request`) and, where the operator allows it, by reference (`request_uri`).
 */

import { CONTENT_ENCRYPTION_ALGS } from '../../crypto/jwe.ts';
import { shelfOf } from '../../domain/client-rules.ts';
import { OutboundError } from '../../domain/outbound.ts';
import { type ClientField, clientField } from '../../engine/contracts/client-field.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import {
  type AuthorizationParameter,
  authorizationParameter,
} from '../../engine/contracts/parameter.ts';
import type { ParameterSource } from '../../engine/contracts/parameter-source.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { CLIENT_KEY_ALGS } from '../../protocol/key-sets.ts';
import { KEY_ENCRYPTION_ALGS, type KeyEncryptionAlg } from '../../protocol/names.ts';
import { nameForLog } from '../../protocol/remedies.ts';
import { encryptionFields, readRequestObject, signingAlg } from './request-object.ts';

/** Options of request objects. */
export interface RequestObjectOptions {
  /**
   * Request objects that the client has at one of its registered `request_uris` are fetched from
   * there. @default false
   */
  readonly byReference: boolean;
  /**
   * Algorithms by which clients may encrypt request objects to this provider, which publishes a key
   * for each: `RSA-OAEP-256`, `ECDH-ES` … @default []
   */
  readonly encryptionAlgs: readonly KeyEncryptionAlg[];
}

/** `request_uris` (OIDC Registration §2): a fragment is part of it. */
const requestUris: ClientField<readonly string[]> = clientField<readonly string[]>({
  wireName: 'request_uris',
  flag: 'request-uri',
  kind: 'texts',
  default: [],
  setBy: 'client',
  isCalled: true,
  check: (value) =>
    // OIDC Registration §2: at most 512 characters each.
    (value as readonly string[]).every((uri) => uri.length <= 512)
      ? null
      : 'must be URLs of at most 512 characters',
  description: 'URL at which it has request objects',
});

/** `require_signed_request_object` (RFC 9101 §10.5). */
const requiresSigned: ClientField<boolean> = clientField<boolean>({
  wireName: 'require_signed_request_object',
  flag: 'require-signed-requests',
  kind: 'flag',
  default: false,
  setBy: 'client',
  protects: true,
  description: 'only its signed authorization requests are accepted',
});

/** Refuses unsigned requests of clients that sign all of them; it is read for that alone. */
const signedWhereRequired: AuthorizationParameter<null> = authorizationParameter<null>({
  names: ['request'],
  absent: null,
  read(_ctx, { isSigned, client }) {
    if (isSigned || !requiresSigned(client)) return null;
    throw new OAuthError(
      'invalid_request',
      'request_not_signed',
      'The authorization request has to be a signed request object.',
    );
  },
});

const byValue: ParameterSource = {
  name: 'request-object',
  parameter: 'request',
  load: async (ctx, reference) => await readRequestObject(ctx, reference.value, reference),
};

const byReference: ParameterSource = {
  name: 'request-object-by-reference',
  parameter: 'request_uri',
  async load(ctx, reference) {
    const { value, clientId, sent } = reference;
    // RFC 9126 §2.2: other sources have URNs.
    if (!/^https?:/i.test(value)) return null;
    const client = await ctx.clients.identify(clientId, ctx.request);
    const failed = (error: OAuthError): ReturnType<typeof byValue.load> =>
      Promise.resolve({ params: sent, consumes: null, problem: error });
    // OIDC Core §6.2: what is fetched was registered, so that nobody has us fetch what they like.
    if (client === null || !requestUris(client).includes(value))
      return await failed(refused('request_uri_unregistered', nameForLog(value)));
    try {
      const text = await ctx.outbound.text(value, { shelf: shelfOf(client) });
      return await readRequestObject(ctx, text, reference);
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      return await failed(refused('request_uri_unavailable', error.message));
    }
  },
};

function refused(reason: string, received: string): OAuthError {
  return new OAuthError('invalid_request_uri', reason, 'The request_uri is not valid.', {
    hint: { expected: 'a registered request_uri with a request object', received },
  });
}

/** Request objects (OIDC Core §6, RFC 9101). */
export const requestObjects: FeatureFactory<RequestObjectOptions> =
  defineFeature<RequestObjectOptions>({
    name: 'request-objects',
    description: 'Signed authorization requests: request objects (OIDC Core §6, RFC 9101)',
    options: {
      byReference: {
        kind: 'flag',
        description: 'Request objects are fetched from the registered request_uris of clients',
        default: false,
      },
      encryptionAlgs: {
        kind: 'list',
        description: 'Algorithms by which clients may encrypt request objects, each with a key',
        default: [],
        choices: KEY_ENCRYPTION_ALGS,
      },
    },
    create: (options) => ({
      parameters: [signedWhereRequired],
      parameterSources: options.byReference ? [byValue, byReference] : [byValue],
      clientFields: [
        signingAlg,
        ...(options.encryptionAlgs.length === 0 ? [] : encryptionFields(options.encryptionAlgs)),
        requestUris,
        requiresSigned,
      ],
      decryptionAlgs: options.encryptionAlgs,
      // OIDC Discovery §3, RFC 9101 §10.5.
      metadata: () => ({
        request_parameter_supported: true,
        request_uri_parameter_supported: options.byReference,
        ...(options.byReference ? { require_request_uri_registration: true } : {}),
        request_object_signing_alg_values_supported: CLIENT_KEY_ALGS,
        ...(options.encryptionAlgs.length === 0
          ? {}
          : {
              request_object_encryption_alg_values_supported: options.encryptionAlgs,
              request_object_encryption_enc_values_supported: CONTENT_ENCRYPTION_ALGS,
            }),
        require_signed_request_object: false,
      }),
    }),
  });
