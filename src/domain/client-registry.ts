/** Clients as hosts and the parts of the provider use them. They are kept by `clients.ts`. */
import type { ClientKind } from '../protocol/client-kinds.ts';
import type { ClientMetadata } from '../protocol/client-metadata.ts';
import type { MetadataProblem, MetadataRules } from '../protocol/client-metadata-rules.ts';
import type { ClientUses } from '../store/clients.ts';
import type { Client, Digest, Seconds } from '../store/records.ts';
import type { Events } from './events.ts';
import type { RequestFacts } from './request-facts.ts';

/** A registration was refused; lists everything wrong with it. */
export class ClientMetadataError extends Error {
  /** Always `ClientMetadataError`. */
  override readonly name = 'ClientMetadataError';
  /** Everything that is wrong, one entry per problem. */
  readonly problems: readonly MetadataProblem[];

  /** @param clientId the client that it is about, where that is not plain from the call */
  constructor(problems: readonly MetadataProblem[], clientId: string | null = null) {
    const text = problems.map((p) => `${p.field} ${p.problem}`).join('; ');
    super(clientId === null ? text : `${clientId}: ${text}`);
    this.problems = problems;
  }
}

/** A client just made, with its secret in clear: the only time it is seen. */
export interface RegisteredClient {
  /** The client as stored. */
  readonly client: Client;
  /** Null for clients that prove themselves without a secret. */
  readonly clientSecret: string | null;
}

/** What may be changed of a client: its metadata, and whether it is disabled. */
export interface ClientChanges extends Partial<ClientMetadata> {
  /** True disables the client, false enables it. @default unchanged */
  readonly disabled?: boolean;
}

/** Credentials that the caller chooses for a new client. */
export interface ChosenCredentials {
  /** 1 to 255 printable characters, and no URL. @default random */
  readonly clientId?: string;
  /** At least 32 characters. @default made here */
  readonly clientSecret?: string;
}

/** A client that the configuration lists. */
export interface ManagedClient extends ClientMetadata {
  /** 1 to 255 printable characters, and no URL. */
  readonly clientId: string;
  /** What it is: fills in what the other members leave open (`metadataOfKind`). @default none */
  readonly kind?: ClientKind;
  /** Its secret, at least 32 characters; needed unless the client is public. */
  readonly clientSecret?: string;
  /** The environment variable that holds its secret, instead of `clientSecret`. */
  readonly clientSecretEnv?: string;
  /**
   * Seconds for which the secret before works on when another one is given; 0 when it leaked.
   * @default 86400
   */
  readonly secretOverlap?: number;
}

/** The credentials by which a client registers, and by which it manages itself later. */
export interface OwnCredentials {
  /** Digest of the initial access token; null without one. */
  readonly initialAccessToken: Digest | null;
  /** Digest of the token by which it will manage itself; null: it cannot. */
  readonly registrationToken: Digest | null;
}

/** A description of a client. */
export interface DescribedClient {
  /** What the client is. */
  readonly metadata: ClientMetadata;
  /** When the description was read. */
  readonly describedAt: Seconds;
}

/** A source of descriptions, ready to be asked. */
export interface BoundSource {
  /** True for a client_id that it describes. */
  owns(clientId: string): boolean;
  /** @throws ClientMetadataError, OAuthError, OutboundError */
  describe(
    clientId: string,
    request: RequestFacts | null,
    isStored: boolean,
  ): Promise<DescribedClient>;
}

/** A page of a list of clients. */
export interface ClientPage {
  /** Begin after this client_id. */
  readonly after?: string;
  /** Length of the page, at most. */
  readonly limit: number;
  /** Only clients of this owner. */
  readonly owner?: string;
}

/**
 * Registered clients. Change clients through these methods only: they keep the rules and update the
 * cache.
 */
export interface Clients {
  /** A client, disabled or not; null when there is none. From memory for `clientCacheSeconds`. */
  find(clientId: string): Promise<Client | null>;
  /** As `find`, but null for a disabled client. */
  findEnabled(clientId: string): Promise<Client | null>;
  /** Registers a client. @throws ClientMetadataError */
  create(metadata: ClientMetadata, chosen?: ChosenCredentials): Promise<RegisteredClient>;
  /**
   * Registers a client, or brings it up to date: afterwards it is what is given here, and what is
   * not given has its default. Another secret replaces the one before (`secretOverlap`). The
   * same call again changes nothing.
   * @throws ClientMetadataError
   */
  ensure(client: ManagedClient): Promise<Client>;
  /**
   * Changes the named members. `disabled` alone does not check the other members again. Null when
   * there is no such client.
   * @throws ClientMetadataError
   */
  update(clientId: string, changes: ClientChanges): Promise<Client | null>;
  /**
   * Adds a new secret; the others end after `overlap` seconds. Null when there is no client of this
   * id that uses a secret.
   */
  rotateSecret(clientId: string, overlap: number): Promise<RegisteredClient | null>;
  /**
   * Deletes a client and ends everything that was issued to it. False when there was
   * none.
   */
  delete(clientId: string): Promise<boolean>;
  /** In order of client_id. */
  list(page: ClientPage): Promise<readonly Client[]>;
  /** When a client and its secrets were last used, to the hour. */
  uses(clientId: string): Promise<ClientUses>;
}

/** What clients do about their own registration. */
export interface OwnRegistrations {
  /**
   * Registers a client that asks for it itself. Null when its initial access token cannot be used.
   * @throws ClientMetadataError
   */
  register(metadata: ClientMetadata, credentials: OwnCredentials): Promise<RegisteredClient | null>;
  /**
   * Registers a public client that nobody owns, or finds the one of the same metadata.
   * @param beforeNew called before one is made that is not there yet
   * @throws ClientMetadataError
   */
  registerShared(
    metadata: ClientMetadata,
    beforeNew: () => Promise<void>,
  ): Promise<RegisteredClient>;
  /**
   * Replaces the metadata of a client that manages itself, and its token. Null when it is no longer
   * as it was judged.
   * @throws ClientMetadataError
   */
  replace(judged: Client, metadata: ClientMetadata, token: Digest): Promise<Client | null>;
  /** Deletes a client. False when it is no longer as it was judged. */
  delete(judged: Client): Promise<boolean>;
}

/** Registered clients, for the parts of the provider. */
export interface KnownClients extends Clients {
  /** What this provider offers to clients. */
  readonly rules: MetadataRules;
  /**
   * The client that a request names: registered, or described elsewhere. Null when there is none.
   * Only where a client itself asks: its description may be fetched.
   * @throws OAuthError `invalid_client` when its description is not good, or not to be had
   */
  identify(clientId: string, request: RequestFacts | null): Promise<Client | null>;
  /** Stores a described client before somebody allows it something. */
  keep(client: Client, events: Events): Promise<void>;
  /** As `find`, but never from memory. */
  findNow(clientId: string): Promise<Client | null>;
  /**
   * What clients do about their own registration.
   * @param events of the request by which they do it
   */
  own(events: Events): OwnRegistrations;
  /**
   * Notes that a client was used. Never throws.
   * @param secret id of the secret that proved it; null without one
   */
  used(client: Client, secret: string | null): void;
  /** Deletes clients that nobody used until their end, at most `limit`; resolves to how many. */
  deleteUnused(limit: number): Promise<number>;
  /** Writes uses that wait to be noted. */
  flush(): Promise<void>;
  /** What is wrong with a client of the configuration, before anything is stored. */
  problemsOf(client: ManagedClient): readonly MetadataProblem[];
  /**
   * Before something is refused by a client that was found: the client as it is now, if another
   * node changed it meanwhile; null if it is as it was, or is gone. Each client is looked up once a
   * second at most.
   */
  lookAgain(client: Client): Promise<Client | null>;
  /** Another node has changed this client: it is loaded anew when it is asked for. */
  forget(clientId: string): void;
}
