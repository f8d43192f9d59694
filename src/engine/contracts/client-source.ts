/**
 * The contract of a source of clients: client_ids that nobody registered, and that say where the
 * client is described. Such a client is stored when a person allows it something, and not before:
 * an anonymous visitor writes no row.
 */
import type { DescribedClient } from '../../domain/client-registry.ts';
import type { Context } from '../../domain/context.ts';

/** Describes clients by their client_id. */
export interface ClientSource {
  /** Its name. */
  readonly name: string;
  /** True for a client_id that it describes, which is a URL. It looks at the text alone. */
  owns(clientId: string): boolean;
  /**
   * What the client is now.
   * @param isStored whether somebody allowed it something already
   * @throws ClientMetadataError when it cannot be a client, OAuthError when it is refused for
   * another reason; OutboundError when its description cannot be had
   */
  describe(ctx: Context, clientId: string, isStored: boolean): Promise<DescribedClient>;
}
