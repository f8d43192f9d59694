/**
 * Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document-02): a client whose
 * client_id is the https address of a document that describes it. Nobody registers it.
 */
import { networkOf } from '../../domain/addresses.ts';
import type { DescribedClient } from '../../domain/client-registry.ts';
import type { Context } from '../../domain/context.ts';
import type { DocumentRules, FetchedDocument } from '../../domain/outbound.ts';
import {
  decided,
  type RegistrationLimits,
  type RegistrationPolicy,
} from '../../domain/registration-policy.ts';
import type { RateLimit } from '../../domain/settings.ts';
import type { ClientSource } from '../../engine/contracts/client-source.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import {
  REGISTRATION_LIMITS,
  type RegistrationLimitOptions,
} from '../../engine/contracts/registration-limits.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { nameForLog } from '../../protocol/remedies.ts';
import { addressProblem, metadataIn } from './document.ts';

/** Options of client ID metadata documents. */
export interface ClientIdMetadataDocumentOptions extends RegistrationLimitOptions {
  /**
   * Hosts whose documents are accepted, `example.com` or `example.com:8443`. Empty: any.
   * @default []
   */
  readonly hosts: readonly string[];
  /**
   * Weakens: origins inside your network, or over http, whose documents are accepted. They have to
   * be among those of `allowOutbound` as well. @default []
   */
  readonly allowInternalDocuments: readonly string[];
  /**
   * Documents that are fetched for a network, or in all where the host tells no address.
   * @default 60 in 15 minutes
   */
  readonly documents: RateLimit;
}

/** CIMD §5: the response is JSON, of this type or of one that is more specific. */
const DOCUMENT: DocumentRules = {
  mostBytes: 16_384,
  types: ['application/json', 'application/*+json'],
  shelf: 'strangers',
};

function source(options: ClientIdMetadataDocumentOptions): ClientSource {
  const limits: RegistrationLimits = { ...options, redirectHosts: [] };
  return {
    name: 'client-id-metadata-documents',
    owns: (clientId) =>
      clientId.startsWith('https://') ||
      options.allowInternalDocuments.some((origin) => clientId.startsWith(`${origin}/`)),
    async describe(ctx, clientId, isStored) {
      requireAddress(ctx, clientId, options);
      const network = networkOf(ctx.request?.address ?? null);
      const limit = async (): Promise<void> =>
        await ctx.rateLimiter.take([['client document', network], options.documents]);
      // Anybody can name any address, but not one to which somebody allowed something.
      const rules = isStored ? DOCUMENT : { ...DOCUMENT, beforeFetch: limit };
      const first = await ctx.outbound.json(clientId, rules);
      try {
        return await judged(ctx, clientId, first, limits, options.policy);
      } catch (error) {
        if (first.isNew) throw error;
        // CIMD §5.2: a bad document is not kept. It may have been mended.
        const again = await ctx.outbound.again(clientId, rules);
        return await judged(ctx, clientId, again, limits, options.policy);
      }
    },
  };
}

async function judged(
  ctx: Context,
  clientId: string,
  { value, fetchedAt }: FetchedDocument,
  limits: RegistrationLimits,
  policy: RegistrationPolicy | null,
): Promise<DescribedClient> {
  const own = { ...limits, ownOrigin: new URL(clientId).origin };
  const metadata = metadataIn(ctx, clientId, value, own);
  const about = { client: null, initialAccessToken: null, softwareStatement: null };
  const request = { ...about, metadata, request: ctx.request };
  return {
    metadata: await decided(policy, request, 'invalid_client'),
    describedAt: fetchedAt,
  };
}

function requireAddress(
  { settings }: Context,
  clientId: string,
  { hosts, allowInternalDocuments }: ClientIdMetadataDocumentOptions,
): void {
  const problem = addressProblem(clientId);
  if (problem !== null) throw refused('client_address', `an address that ${problem}`);
  const { host, origin } = new URL(clientId);
  // Named for keys of known clients: strangers do not choose what is asked there.
  if (settings.allowOutbound.includes(origin) && !allowInternalDocuments.includes(origin))
    throw refused('client_address_host', 'a document on an origin of allowOutbound');
  if (hosts.length > 0 && !hosts.includes(host))
    throw refused('client_address_host', `a document at ${nameForLog(host)}`);
}

function refused(reason: 'client_address' | 'client_address_host', received: string): OAuthError {
  return new OAuthError(
    'invalid_client',
    reason,
    'The address of the application is not accepted here.',
    {
      status: 400,
      hint: {
        expected: 'the https address of a metadata document, on a host that is accepted',
        received,
      },
    },
  );
}

/** Client ID metadata documents. */
export const clientIdMetadataDocuments: FeatureFactory<ClientIdMetadataDocumentOptions> =
  defineFeature<ClientIdMetadataDocumentOptions>({
    name: 'client-id-metadata-documents',
    description: 'Clients whose client_id is the address of a document that describes them',
    enabled: false,
    options: {
      hosts: {
        kind: 'list',
        description: 'Hosts whose documents are accepted',
        defaultText: 'any host',
        default: [],
      },
      allowInternalDocuments: {
        kind: 'list',
        description: 'Weakens: origins of allowOutbound whose documents are accepted',
        defaultText: 'none',
        default: [],
      },
      documents: {
        kind: 'rate-limit',
        description: 'Documents that are fetched, per network',
        default: { limit: 60, seconds: 900 },
      },
      ...REGISTRATION_LIMITS,
    },
    create: (options) => ({
      clientSources: [source(options)],
      // CIMD §6.
      metadata: () => ({ client_id_metadata_document_supported: true }),
    }),
  });
