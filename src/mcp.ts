/**
 * A preset for the Model Context Protocol: what its authorization specification (2026-07-28) asks
 * of an authorization server, as features for `config.features`.
 */
import type { Feature } from './engine/contracts/feature.ts';
import { checkOptions, type OptionsOf, problemList } from './engine/contracts/options.ts';
import { clientIdMetadataDocuments } from './features/client-id-metadata-documents/client-id-metadata-documents.ts';
import { dynamicRegistration } from './features/dynamic-registration/dynamic-registration.ts';
import { resourceIndicators } from './features/resource-indicators/resource-indicators.ts';
import { ConfigError } from './protocol/errors.ts';

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

const OPTIONS: OptionsOf<McpOptions> = {
  resources: { kind: 'list', description: 'MCP servers for which tokens are issued', default: [] },
  allowOpenRegistration: { kind: 'flag', description: 'Weakens: open registration' },
};

/**
 * The features of an authorization server for MCP: client ID metadata documents, tokens for one MCP
 * server (RFC 8707), and registration where it is said. Redirect URIs of clients that nobody
 * registered are https or on the reader's computer. PKCE, `iss` and both forms of the well-known
 * addresses are there anyway.
 * @throws ConfigError when an option is misspelt or of another kind
 */
export function mcp(options: McpOptions = {}): readonly Feature[] {
  const { problems, refuse } = problemList();
  // A misspelt list of servers would be an empty one, which accepts any.
  checkOptions(OPTIONS, options, 'mcp.', refuse);
  if (problems.length > 0) throw new ConfigError(problems);
  const { resources = [], allowOpenRegistration = false } = options;
  const rules = { allowedSchemes: 'web-and-loopback' } as const;
  return [
    clientIdMetadataDocuments({ enabled: true, ...rules }),
    resourceIndicators({ enabled: true, resources, anyResource: resources.length === 0 }),
    ...(allowOpenRegistration
      ? [dynamicRegistration({ enabled: true, allowOpenRegistration, ...rules })]
      : []),
  ];
}
