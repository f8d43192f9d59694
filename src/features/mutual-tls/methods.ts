/**
 * Client authentication by certificate (RFC 8705 §2): one that a certification authority issued to
 * a subject which is registered, or a self-signed one whose key is registered.
 */
import {
  type ClientCertificate,
  hasSubject,
  isInTime,
  type NameKind,
  nameParts,
  namesIn,
  publicKeyOf,
  x509Of,
} from '../../crypto/certificates.ts';
import { addressBytes } from '../../domain/addresses.ts';
import { isKeyOf } from '../../domain/client-keys.ts';
import { OutboundError } from '../../domain/outbound.ts';
import {
  type ClientAuthenticationMethod,
  clientNotProven,
  type PresentedCredentials,
} from '../../engine/contracts/client-authentication.ts';
import { type ClientField, clientField } from '../../engine/contracts/client-field.ts';
import type { OAuthError, RefusalHint } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/params.ts';
import type { Client } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

type NameField = ClientField<string | null>;

function nameField(
  wireName: `tls_client_auth_${string}`,
  flag: string,
  what: string,
  check?: (value: string | null) => string | null,
): NameField {
  return clientField<string | null>({
    wireName,
    flag,
    kind: 'text',
    nullable: true,
    default: null,
    setBy: 'client',
    protects: true,
    description: `${what} of its certificate, for tls_client_auth`,
    ...(check === undefined ? {} : { check }),
  });
}

const subjectDn = nameField(
  'tls_client_auth_subject_dn',
  'tls-subject-dn',
  'subject, as RFC 4514 writes it,',
  (value) =>
    value === null || nameParts(value) !== null ? null : 'must be a name such as CN=app,O=Example',
);
const NAMES: readonly (readonly [NameKind, NameField])[] = [
  ['dns', nameField('tls_client_auth_san_dns', 'tls-san-dns', 'DNS name')],
  ['uri', nameField('tls_client_auth_san_uri', 'tls-san-uri', 'URI')],
  [
    'ip',
    nameField('tls_client_auth_san_ip', 'tls-san-ip', 'IP address', (value) =>
      value === null || addressBytes(value) !== null ? null : 'must be an IP address',
    ),
  ],
  ['email', nameField('tls_client_auth_san_email', 'tls-san-email', 'mail address')],
];

/** RFC 8705 §2.1.2: the fields that say which certificate is the client's. */
export const NAME_FIELDS: readonly NameField[] = [subjectDn, ...NAMES.map(([, field]) => field)];

type Verify = (
  ctx: RequestContext,
  client: Client,
  certificate: ClientCertificate,
) => Promise<OAuthError | null>;

function presented(
  ctx: RequestContext,
  params: Params,
  verify: Verify,
): PresentedCredentials | null {
  // RFC 8705 §2: client_id is required, since the certificate says nothing of it.
  const clientId = params.get('client_id');
  const { certificate } = ctx.request;
  if (clientId === undefined || certificate === null) return null;
  return {
    clientId,
    async verify(client) {
      if (!isInTime(x509Of(certificate), ctx.now()))
        return refused('certificate_expired', {
          received: 'a certificate that is not in its time',
        });
      return await verify(ctx, client, certificate);
    },
  };
}

function refused(
  reason:
    | 'certificate_expired'
    | 'certificate_unverified'
    | 'certificate_subject'
    | 'certificate_key',
  hint: RefusalHint,
): OAuthError {
  return clientNotProven(reason, hint);
}

const REMEDY =
  'the certificate reaches this server by the connection, or by a proxy that is trusted and tells it';

/** RFC 8705 §2.1: a chain that was verified, and the subject that is registered. */
export const tlsClientAuth: ClientAuthenticationMethod = {
  name: 'tls_client_auth',
  remedy: REMEDY,
  needs: 'certificate',
  isAmbient: true,
  detect: (ctx, params) =>
    presented(ctx, params, async (_ctx, client, certificate) => {
      // A certificate that nobody verified can have any subject.
      if (!certificate.isVerified)
        return refused('certificate_unverified', {
          expected: 'a certificate whose chain the server or the proxy verified',
          received: 'one that it did not verify',
        });
      const x509 = x509Of(certificate);
      const dn = subjectDn(client);
      const isSubject =
        dn === null
          ? NAMES.some(([kind, field]) => isNamed(x509, kind, field(client)))
          : hasSubject(x509, dn);
      return isSubject
        ? null
        : refused('certificate_subject', { expected: 'the subject that is registered' });
    }),
  problem: ({ fields }) => {
    const named = NAME_FIELDS.filter((field) => field({ fields }) !== null);
    return named.length === 1 ? null : 'needs exactly one of the fields tls_client_auth_…';
  },
};

function isNamed(x509: ReturnType<typeof x509Of>, kind: NameKind, name: string | null): boolean {
  const wanted = name === null ? null : comparable(kind, name);
  return wanted !== null && namesIn(x509, kind).some((one) => comparable(kind, one) === wanted);
}

/** A name as it is compared: host names without regard to case, addresses by their bytes. */
function comparable(kind: NameKind, name: string): string | null {
  if (kind === 'dns') return name.toLowerCase();
  return kind === 'ip' ? addressBytes(name) : name;
}

/** RFC 8705 §2.2: a certificate whose key is among the registered ones. TLS proved the key. */
export const selfSignedTlsClientAuth: ClientAuthenticationMethod = {
  name: 'self_signed_tls_client_auth',
  remedy: REMEDY,
  needs: 'certificate',
  isAmbient: true,
  detect: (ctx, params) =>
    presented(ctx, params, async (context, client, certificate) => {
      const publicKey = publicKeyOf(x509Of(certificate));
      try {
        if (publicKey !== null && (await isKeyOf(context, client, publicKey))) return null;
      } catch (error) {
        if (!(error instanceof OutboundError)) throw error;
        return refused('certificate_key', {
          expected: 'a JWK Set at the jwks_uri of the client',
          received: error.message,
        });
      }
      return refused('certificate_key', {
        expected: 'a certificate with a key that is registered',
      });
    }),
  problem: ({ jwks, jwksUri }) =>
    jwks === null && jwksUri === null
      ? 'needs the key of the certificate, as jwks or jwks_uri'
      : null,
};
