/**
 * Puts the contributions of all features together with those of the core, and refuses what does not
 * fit: names that come twice, steps beside steps that are not there, pages without a template. Runs
 * nothing.
 */
import { CORE_EVENTS } from '../domain/events.ts';
import type { Settings } from '../domain/settings.ts';
import type { FeatureField } from '../protocol/client-fields.ts';
import { CLIENT_FIELDS } from '../protocol/client-metadata.ts';
import { authorizeFlow } from './authorize-flow.ts';
import type { Endpoint } from './contracts/endpoint.ts';
import type { Engine } from './contracts/engine.ts';
import type { Contributions, Feature } from './contracts/feature.ts';
import type { Refuse } from './contracts/options.ts';
import { assets } from './endpoints/assets.ts';
import { authorize } from './endpoints/authorize.ts';
import { coreMetadata, discovery, type MetadataPart, metadataOf } from './endpoints/discovery.ts';
import { type Flows, interaction } from './endpoints/interaction.ts';
import { jwks } from './endpoints/jwks.ts';
import { token } from './endpoints/token.ts';
import { orderedSteps } from './order-steps.ts';
import { CORE_PARAMETERS } from './parameters.ts';
import { CORE_RESPONSE_MODES } from './response-modes.ts';
import { account } from './steps/account.ts';
import { consent } from './steps/consent.ts';
import { login } from './steps/login.ts';
import { pathsOf } from './urls.ts';

/** The engine with what uses it. */
export interface Assembly {
  readonly engine: Engine;
  readonly endpoints: readonly Endpoint[];
  readonly flows: Flows;
  /** Fields that features add to clients. */
  readonly clientFields: readonly FeatureField[];
  /** Names of all events. */
  readonly events: readonly string[];
}

/** @param refuse is told of everything that does not fit */
export function assemble(
  features: readonly Feature[],
  settings: Settings,
  refuse: Refuse,
): Assembly {
  const parts = features.map((feature) => ({ ...feature.contribute(), from: feature.name }));
  const all = <Kind extends ListKind>(kind: Kind): readonly Item<Kind>[] =>
    parts.flatMap((part) => (part[kind] ?? []) as readonly Item<Kind>[]);
  const engine: Engine = {
    grants: byName(all('grants'), ({ type }) => type, 'the grant type', refuse),
    clientAuthenticationMethods: [
      ...byName(
        all('clientAuthenticationMethods'),
        nameOf,
        'the client authentication method',
        refuse,
      ).values(),
    ],
    parameters: [
      ...byName(
        [...CORE_PARAMETERS, ...all('parameters')],
        ({ definition }) => definition.names[0] ?? '',
        'the parameter',
        refuse,
      ).values(),
    ],
    parameterSources: [
      ...byName(all('parameterSources'), nameOf, 'the parameter source', refuse).values(),
    ],
    artifacts: byName(all('artifacts'), nameOf, 'the artifact', refuse),
    responseTypes: byName(all('responseTypes'), nameOf, 'the response type', refuse),
    responseModes: byName(
      [...CORE_RESPONSE_MODES, ...all('responseModes')],
      nameOf,
      'the response mode',
      refuse,
    ),
    steps: orderedSteps([login, account, consent, ...all('steps')], refuse),
  };
  checkArtifacts(engine, refuse);
  const flows = byName([authorizeFlow, ...all('flows')], nameOf, 'the flow', refuse);
  const own = [authorize, interaction(flows), token, ...all('endpoints'), jwks(), assets()];
  const metadata = metadataOf(
    metadataParts(parts, settings, engine, own),
    (member, first, second) =>
      refuse('features', `declare ${member} twice (${first}, ${second}).`, 'Take one of them out.'),
  );
  const endpoints = [...own, ...discovery(() => metadata)];
  checkEndpoints(endpoints, settings, refuse);
  checkPages(settings, engine, ['error', ...all('pages').map(nameOf)], refuse);
  return {
    engine,
    endpoints,
    flows,
    clientFields: checkedFields(
      all('clientFields').map(({ definition }) => definition),
      refuse,
    ),
    events: [...CORE_EVENTS, ...all('events')],
  };
}

type ListKind = Exclude<keyof Contributions, 'metadata'>;
type Item<Kind extends ListKind> = NonNullable<Contributions[Kind]>[number];

function nameOf({ name }: { readonly name: string }): string {
  return name;
}

/** Indexes things by name. The first of two with the same name stays; the second is refused. */
function byName<T>(
  things: readonly T[],
  name: (thing: T) => string,
  what: string,
  refuse: Refuse,
): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const thing of things) {
    const key = name(thing);
    if (found.has(key)) refuse('features', `bring ${what} ${key} twice.`, 'Take one of them out.');
    else found.set(key, thing);
  }
  return found;
}

function checkArtifacts({ responseTypes, artifacts }: Engine, refuse: Refuse): void {
  for (const { name, artifacts: needed } of responseTypes.values()) {
    for (const artifact of needed.filter((one) => !artifacts.has(one)))
      refuse(
        'features',
        `bring the response type ${name}, but nothing that makes ${artifact}.`,
        'Add the feature that makes it.',
      );
  }
}

function metadataParts(
  parts: readonly (Contributions & { readonly from: string })[],
  settings: Settings,
  engine: Engine,
  endpoints: readonly Endpoint[],
): readonly MetadataPart[] {
  const origin = new URL(settings.issuer).origin;
  return [
    ['the core', coreMetadata(settings, engine)],
    ...endpoints.map((endpoint): MetadataPart => {
      const { name, metadataName, path, metadata } = endpoint;
      const address = `${origin}${settings.basePath}/${path}`;
      const own = metadataName === undefined ? {} : { [metadataName]: address };
      return [`the endpoint ${name}`, { ...own, ...metadata?.(engine) }];
    }),
    ...parts.map(({ from, metadata }): MetadataPart => [from, metadata?.(settings) ?? {}]),
  ];
}

function checkEndpoints(endpoints: readonly Endpoint[], settings: Settings, refuse: Refuse): void {
  byName(endpoints, nameOf, 'the endpoint', refuse);
  byName(
    endpoints.flatMap((endpoint) => pathsOf(settings, endpoint)),
    (path) => path,
    'an endpoint at',
    refuse,
  );
}

/** Pages of steps may be URLs of the host. All other pages need a template. */
function checkPages(
  { pages }: Settings,
  { steps }: Engine,
  drawn: readonly string[],
  refuse: Refuse,
): void {
  const wrong = (name: string, problem: string): void =>
    refuse(
      `pages.${name}`,
      problem,
      'Pass builtInPages() of valetkey/pages, with your own pages as its options.',
    );
  for (const name of drawn) {
    if (typeof pages[name] !== 'function') wrong(name, 'must be a function.');
  }
  for (const { page } of steps) {
    const given = pages[page.name];
    const address = typeof given === 'string' && URL.canParse(given, 'https://host.example');
    if (typeof given !== 'function' && !address)
      wrong(page.name, 'must be a function, or the address of your own page.');
  }
}

function checkedFields(fields: readonly FeatureField[], refuse: Refuse): readonly FeatureField[] {
  const core = Object.values(CLIENT_FIELDS);
  byName([...core, ...fields], ({ wireName }) => wireName, 'the client field', refuse);
  byName([...core, ...fields], ({ flag }) => flag, 'the client option', refuse);
  return fields;
}
