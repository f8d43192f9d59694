/**
 * The certificate that a client showed in TLS: at the socket, or told by a proxy that is trusted
 * and that ended the TLS connection. What anybody else writes into a header says nothing.
 */
import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { ClientCertificate } from 'valetkey';

/** Headers in which a proxy tells the certificate of a client. */
export interface CertificateHeaders {
  /**
   * Header with the certificate: as RFC 9440 has it, or PEM or DER as URL-encoded text or base64.
   * The proxy has to take away what a client sends in it.
   */
  readonly certificate: string;
  /**
   * Header that says whether the proxy verified the chain: `SUCCESS` or `true`. Without it no chain
   * counts as verified, so that only self-signed certificates can prove a client.
   * @default none
   */
  readonly verified?: string;
}

const VERIFIED = ['SUCCESS', 'true'];
/** Characters of a certificate in a header. */
const LONGEST = 16_384;

/** The certificate of a request; null when there is none. */
export function certificateOf(
  request: IncomingMessage,
  isFromProxy: boolean,
  headers: CertificateHeaders | null,
): ClientCertificate | null {
  // The certificate at the socket of a proxy is that of the proxy.
  if (!isFromProxy) return certificateAtSocket(request.socket as Partial<TLSSocket>);
  if (headers === null) return null;
  const der = derIn(onlyValue(request, headers.certificate));
  if (der === null) return null;
  const verdict = headers.verified === undefined ? null : onlyValue(request, headers.verified);
  return { der, isVerified: verdict !== null && VERIFIED.includes(verdict) };
}

function certificateAtSocket(socket: Partial<TLSSocket>): ClientCertificate | null {
  const { raw } = socket.getPeerCertificate?.(false) ?? {};
  return raw === undefined ? null : { der: raw, isVerified: socket.authorized === true };
}

/** A header that came twice says two things, so it says nothing. */
function onlyValue(request: IncomingMessage, name: string): string | null {
  // HTTP/2 has these alone; joined ones would hide that a header came twice.
  const { rawHeaders } = request;
  const values = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name.toLowerCase(),
  );
  return values.length === 1 ? (values[0] ?? '').trim() : null;
}

function derIn(text: string | null): Uint8Array | null {
  if (text === null || text === '' || text.length > LONGEST) return null;
  try {
    const bytes = bytesIn(text);
    return bytes === null ? null : new X509Certificate(bytes).raw;
  } catch {
    return null;
  }
}

/** The bytes of a certificate: URL-encoded PEM (nginx), or base64 of DER (Caddy). */
function bytesIn(text: string): Buffer | null {
  // RFC 9440 §2: the DER in base64 between colons.
  const [, field] = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(text) ?? [];
  if (field !== undefined) return Buffer.from(field, 'base64');
  const plain = text.includes('%') ? decodeURIComponent(text) : text;
  if (plain.startsWith('-----BEGIN CERTIFICATE-----'))
    return plain.split('-----BEGIN').length === 2 ? Buffer.from(plain) : null;
  return /^[A-Za-z0-9+/]+={0,2}$/.test(plain) ? Buffer.from(plain, 'base64') : null;
}
