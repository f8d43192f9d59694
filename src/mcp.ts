/**
 * A preset for the Model Context Protocol: what its authorization specification (2026-07-28) asks
 * of an authorization server, as features for `config.features`.
 */
import type { Feature } from './engine/contracts/feature.ts';
import { clientIdMetadataDocuments } from './features/client-id-metadata-documents/client-id-metadata-documents.ts';
import { dynamicRegistration } from './features/dynamic-registration/dynamic-registration.ts';
import { resourceIndicators } from './features/resource-indicators/resource-indicators.ts';

/** Options of the preset. */
export interface McpOptions {
  /**
   * Addresses of the MCP servers for which tokens are issued; a request for another one is
   * `invalid_target`. Empty: any.
   * @default []
   */
  readonly resources?: readonly string[];
  /**
   * Weakens: clients that have no metadata document may register themselves without a token.
   * @default false
   */
  readonly allowOpenRegistration?: boolean;
}

/**
 * The features of an authorization server for MCP: client ID metadata documents, tokens for one MCP
 * server (RFC 8707), and registration where it is said. Redirect URIs of clients that nobody
 * registered are https or on the reader's computer. PKCE, `iss` and both forms of the well-known
 * addresses are there anyway.
 */
export function mcp({
  resources = [],
  allowOpenRegistration = false,
}: McpOptions = {}): readonly Feature[] {
  const rules = { allowedSchemes: 'web-and-loopback' } as const;
  return [
    clientIdMetadataDocuments({ enabled: true, ...rules }),
    resourceIndicators({ enabled: true, resources, anyResource: resources.length === 0 }),
    ...(allowOpenRegistration
      ? [dynamicRegistration({ enabled: true, allowOpenRegistration, ...rules })]
      : []),
  ];
}
