/** What rules and events may know of the request that is being answered. */
import type { ClientCertificate } from '../crypto/certificates.ts';
import type { Seconds } from '../store/records.ts';

/** What a rule may know of the request it works for. */
export interface RequestFacts {
  /** HTTP method. */
  readonly method: string;
  /** URL as the adapter received it. */
  readonly url: URL;
  /** HTTP headers. */
  readonly headers: Headers;
  /** Address of the peer, as the adapter knows it; null where it knows none. */
  readonly address: string | null;
  /** The certificate that the client showed in TLS; null without one. */
  readonly certificate: ClientCertificate | null;
  /** Stands in the log, in events and on error pages. */
  readonly requestId: string;
  /** When it arrived, in seconds. */
  readonly startedAt: Seconds;
}
