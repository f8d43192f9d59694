/**
 * Discovery (OIDC Discovery §4, RFC 8414 §3): the union of what the core, endpoints and features
 * declare, so that it says neither more nor less than what is enabled. Rendered once, served as
 * bytes.
 */
import type { Settings } from '../../domain/settings.ts';
import { type PublicDocument, publicDocument, serveDocument } from '../../web/documents.ts';
import type { Endpoint } from '../contracts/endpoint.ts';
import { type Engine, nameOf, promptValuesOf } from '../contracts/engine.ts';
import type { Contributions } from '../contracts/feature.ts';
import { endpointUrl } from '../urls.ts';

/** Members of the metadata with whoever declares them. */
type MetadataPart = readonly [from: string, members: Readonly<Record<string, unknown>>];

/** What the core says of itself (OIDC Discovery §3, RFC 8414 §2). */
function coreMetadata(settings: Settings, engine: Engine): Readonly<Record<string, unknown>> {
  const { languages } = settings.pages;
  const { acrValues } = settings.accounts;
  return {
    issuer: settings.issuer,
    scopes_supported: [...settings.scopes.keys()],
    response_types_supported: engine.responseTypes.map(nameOf),
    response_modes_supported: engine.responseModes.map(nameOf),
    id_token_signing_alg_values_supported: settings.idTokenAlgs,
    prompt_values_supported: promptValuesOf(engine),
    // OIDC Core §3.1.2.1: the pages fit a window of any size, and touch.
    display_values_supported: ['page', 'popup', 'touch'],
    ...(acrValues === undefined ? {} : { acr_values_supported: acrValues }),
    authorization_response_iss_parameter_supported: true,
    ...(languages === undefined ? {} : { ui_locales_supported: languages }),
  };
}

/**
 * What holds unless a feature says otherwise. OIDC Discovery §3: request_uri is true when absent.
 */
const UNLESS_SAID: Readonly<Record<string, unknown>> = {
  subject_types_supported: ['public'],
  claims_parameter_supported: false,
  request_parameter_supported: false,
  request_uri_parameter_supported: false,
};

/** What the core, each endpoint and each feature say. */
export function metadataParts(
  parts: readonly (Pick<Contributions, 'metadata'> & { readonly from: string })[],
  settings: Settings,
  engine: Engine,
  endpoints: readonly Endpoint[],
): readonly MetadataPart[] {
  const addresses = Object.fromEntries(
    endpoints.flatMap((endpoint) =>
      endpoint.metadataName === undefined || endpoint.isForClients !== true
        ? []
        : [[endpoint.metadataName, endpointUrl(settings, endpoint)] as const],
    ),
  );
  const names = endpoints.flatMap(({ metadataName = [] }) => metadataName);
  return [
    ['the core', coreMetadata(settings, engine)],
    ...endpoints.map((endpoint): MetadataPart => {
      const { name, metadataName, metadata } = endpoint;
      const address = endpointUrl(settings, endpoint);
      const own = metadataName === undefined ? {} : { [metadataName]: address };
      return [`the endpoint ${name}`, { ...own, ...metadata?.(engine) }];
    }),
    ...parts.map(
      ({ from, metadata }): MetadataPart => [from, metadata?.(settings, addresses, names) ?? {}],
    ),
  ];
}

/** The whole document. @param refuse is told of a member that two parts declare */
export function metadataOf(
  parts: readonly MetadataPart[],
  refuse: (member: string, first: string, second: string) => void,
): Readonly<Record<string, unknown>> {
  const declared = new Map<string, string>();
  const all: Record<string, unknown> = { ...UNLESS_SAID };
  for (const [from, members] of parts) {
    for (const [member, value] of Object.entries(members)) {
      const first = declared.get(member);
      if (first !== undefined) refuse(member, first, from);
      declared.set(member, from);
      all[member] = value;
    }
  }
  // RFC 8414 §3.2: members with zero elements must be omitted.
  const isSaid = ([, value]: [string, unknown]) => !(Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(all).filter(isSaid));
}

/** The two discovery endpoints. @param metadata called once, when it is asked for */
export function discovery(metadata: () => Readonly<Record<string, unknown>>): readonly Endpoint[] {
  let document: PublicDocument | null = null;
  const handle: Endpoint['handle'] = async (ctx) => {
    // OIDC Discovery §3: signing keys must exist for what is announced. A provider without them
    // answers 500 and says so in the log.
    await ctx.keys.published();
    document ??= publicDocument('application/json', JSON.stringify(metadata()));
    return serveDocument(ctx.request, document, ctx.settings.publicMaxAge);
  };
  const endpoint = (name: string, file: string): Endpoint => ({
    name,
    path: `.well-known/${file}`,
    document: file,
    methods: ['GET', 'HEAD'],
    errors: 'json',
    cors: 'any',
    handle,
  });
  return [
    endpoint('oidc-connect-discovery-info', 'openid-configuration'),
    endpoint('oauth-server-metadata', 'oauth-authorization-server'),
  ];
}
