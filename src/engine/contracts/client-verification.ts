/** The contract of checks of client metadata that need a document of somebody else. */
import type { Context } from '../../domain/context.ts';
import type { Shelf } from '../../domain/outbound.ts';
import type { CompleteClientMetadata } from '../../protocol/client-metadata.ts';
import type { MetadataProblem } from '../../protocol/client-metadata-rules.ts';

/**
 * Looks at metadata that passed all other checks; null when nothing is wrong. What it fetches goes
 * onto this shelf.
 */
export type ClientVerification = (
  ctx: Pick<Context, 'outbound'>,
  metadata: CompleteClientMetadata,
  shelf: Shelf,
) => Promise<MetadataProblem | null>;
