/**
 * The port for every call of this provider to addresses that others chose: key sets of clients,
 * metadata documents, request objects, logos, and what applications are told. There is one
 * implementation (`web/outbound.ts`), so that no rule about such addresses is kept in one place and
 * missed in another.
 */
import type { Seconds } from '../store/records.ts';

/** A document that was fetched. */
export interface FetchedDocument {
  /** The JSON value. */
  readonly value: unknown;
  /** True when this call fetched it, or waited for the call that did. */
  readonly isNew: boolean;
  /** When it was fetched, in seconds. */
  readonly fetchedAt: Seconds;
}

/** Where documents are kept: those that strangers name, and those that others do. */
export type Shelf = 'clients' | 'strangers';

/** What a document may be. */
export interface DocumentRules {
  /** Most bytes of the body. @default 65536 */
  readonly mostBytes?: number;
  /**
   * Media types, without parameters; `application/*+json` names all with this suffix.
   * @default any: what counts is that it is JSON
   */
  readonly types?: readonly string[];
  /**
   * Where it is kept: what strangers name takes no place from what others name.
   * @default 'clients'
   */
  readonly shelf?: Shelf;
  /** Called before it is fetched, and not where it is in memory. What it throws is thrown. */
  readonly beforeFetch?: () => Promise<void>;
}

/** A picture that was fetched. */
export interface Picture {
  /** Its media type, as its first bytes have it. */
  readonly contentType: string;
  /** Its bytes. */
  readonly body: Uint8Array;
}

/** Fetches documents and sends forms, within bounds of address, time and size. */
export interface Outbound {
  /**
   * The document at an https address, from memory while it is fresh.
   * @throws OutboundError
   */
  json(url: string, rules?: DocumentRules): Promise<FetchedDocument>;
  /**
   * The same, fetched anew unless that happened in the last minute: for a key that is not in the
   * document as it is known.
   * @throws OutboundError
   */
  again(url: string, rules?: DocumentRules): Promise<FetchedDocument>;
  /**
   * The text at an https address, from memory while it is fresh. A fragment is no part of the
   * address, but another fragment is another text (OIDC Core §6.2).
   * @throws OutboundError
   */
  text(url: string, rules?: Pick<DocumentRules, 'shelf'>): Promise<string>;
  /**
   * A PNG, JPEG, GIF or WebP picture of at most 200 KB, from memory while it is fresh.
   * @throws OutboundError
   */
  picture(url: string): Promise<Picture>;
  /**
   * Sends a form by POST and waits until the host says that it took it.
   * @throws OutboundError for any other answer, and for none
   */
  post(url: string, form: Readonly<Record<string, string>>): Promise<void>;
  /** Closes idle connections. */
  close(): Promise<void>;
}

/**
 * Why nothing was fetched. `url`: the address is not one to fetch from. `address`: its host is, or
 * resolves to, an address inside a network. `unreachable`: no connection, or a pause after one that
 * failed. `busy`: too many at once. `unavailable`: the host says that it cannot answer now. The
 * others are about the response.
 */
export type OutboundProblem =
  | 'url'
  | 'address'
  | 'unreachable'
  | 'timeout'
  | 'busy'
  | 'unavailable'
  | 'status'
  | 'type'
  | 'size'
  | 'json';

/** True where the host does not answer now, which says nothing about its document. */
export function isSilence(problem: OutboundProblem): boolean {
  return ['unreachable', 'timeout', 'busy', 'unavailable'].includes(problem);
}

/** A document could not be fetched. The message is for operators. */
export class OutboundError extends Error {
  /** Always `OutboundError`. */
  override readonly name = 'OutboundError';
  /** Why. */
  readonly problem: OutboundProblem;

  /**
   * @param problem why
   * @param message a phrase for operators
   * @param cause the error behind it
   */
  constructor(problem: OutboundProblem, message: string, cause?: unknown) {
    super(message, { cause });
    this.problem = problem;
  }
}
