/**
 * Mutual TLS (RFC 8705): clients that prove themselves by a certificate, and tokens that are bound
 * to one. The certificate comes from the adapter (`RequestInfo.certificate`).
 */
import { certificateThumbprint } from '../../crypto/certificates.ts';
import type { ClientField } from '../../engine/contracts/client-field.ts';
import { clientField } from '../../engine/contracts/client-field.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import type { TokenConstraint } from '../../engine/contracts/token-constraint.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { NAME_FIELDS, selfSignedTlsClientAuth, tlsClientAuth } from './methods.ts';

/** Options of mutual TLS. */
export interface MutualTlsOptions {
  /**
   * Origin at which clients show their certificates, `https://mtls.id.example`, so that browsers at
   * the origin of the issuer are not asked for one (RFC 8705 §5). Null: the origin of the issuer.
   * @default null
   */
  readonly origin: string | null;
}

/** RFC 8705 §3.1. */
const CONFIRMATION = 'x5t#S256';

/** `tls_client_certificate_bound_access_tokens` (RFC 8705 §3.4). */
const boundOnly: ClientField<boolean> = clientField<boolean>({
  wireName: 'tls_client_certificate_bound_access_tokens',
  flag: 'tls-bound-tokens',
  kind: 'flag',
  default: false,
  setBy: 'client',
  protects: true,
  description: 'bind its access tokens to the certificate that it shows',
});

const constraint: TokenConstraint = {
  name: 'mutual-tls',
  confirmation: CONFIRMATION,
  tokenType: 'Bearer',
  isRequired: boundOnly,
  async bind({ request: { certificate } }, client) {
    if (!boundOnly(client)) return null;
    if (certificate !== null) return certificateThumbprint(certificate);
    throw new OAuthError(
      'invalid_request',
      'certificate_missing',
      'A client certificate is required.',
      {
        hint: {
          expected: 'a client certificate, since the tokens of the client are bound to it',
          received: 'none: the connection has none, or the proxy tells none',
        },
      },
    );
  },
  async prove({ request: { certificate } }, _token, value) {
    // RFC 8705 §3: the certificate of the connection is the one that the token is bound to.
    if (certificate !== null && certificateThumbprint(certificate) === value) return;
    throw new OAuthError('invalid_token', 'certificate_other', 'The access token is invalid.');
  },
};

/** Mutual TLS: client certificates and tokens bound to them (RFC 8705). */
export const mutualTls: FeatureFactory<MutualTlsOptions> = defineFeature<MutualTlsOptions>({
  name: 'mutual-tls',
  description: 'Client certificates, and tokens bound to them: mutual TLS (RFC 8705)',
  enabled: false,
  options: {
    origin: {
      kind: 'text',
      description: 'Origin at which clients show their certificates, https://mtls.id.example',
      defaultText: 'the origin of the issuer',
      nullable: true,
      default: null,
      check(value, option, refuse) {
        const text = String(value);
        if (URL.canParse(text) && new URL(text).origin === text && text.startsWith('https://'))
          return;
        refuse(option, 'must be an https origin.', 'Write it like https://mtls.id.example.');
      },
    },
  },
  create: ({ origin }) => ({
    clientAuthenticationMethods: [tlsClientAuth, selfSignedTlsClientAuth],
    tokenConstraints: [constraint],
    clientFields: [...NAME_FIELDS, boundOnly],
    metadata: (_settings, addresses) => ({
      tls_client_certificate_bound_access_tokens: true,
      ...(origin === null ? {} : { mtls_endpoint_aliases: aliases(addresses, origin) }),
    }),
  }),
});

/** The endpoints that clients call with a certificate, at the origin for it (RFC 8705 §5). */
function aliases(
  addresses: Readonly<Record<string, string>>,
  origin: string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(addresses).map(([name, url]) => [name, origin + new URL(url).pathname]),
  );
}
