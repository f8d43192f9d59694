/**
 * Puts the contributions of all features together with those of the core, and refuses what does not
 * fit: names that come twice, steps beside steps that are not there, pages without a template. Runs
 * nothing.
 */
import type { EventDefinition } from '../domain/event-definition.ts';
import { CORE_EVENTS } from '../domain/event-definitions.ts';
import type { ResourceDefinition } from '../domain/resources.ts';
import type { Settings } from '../domain/settings.ts';
import { CLIENT_FIELDS } from '../protocol/client-field-definitions.ts';
import type { FeatureField } from '../protocol/client-fields.ts';
import { type MetadataCheck, needsSecret } from '../protocol/client-metadata-rules.ts';
import type { KeyEncryptionAlg } from '../protocol/names.ts';
import { responseTypeName } from '../protocol/response-types.ts';
import { isPageAddress } from '../web/page.ts';
import { checkFit } from './access-token-rules.ts';
import { authorizeFlow } from './authorize-flow.ts';
import type { ClientVerification } from './contracts/client-verification.ts';
import type { Endpoint } from './contracts/endpoint.ts';
import { ENGINE_KINDS, type Engine, type Named, named, nameOf } from './contracts/engine.ts';
import type { Contributions, Feature } from './contracts/feature.ts';
import type { Flows } from './contracts/flow.ts';
import type { Refuse } from './contracts/options.ts';
import { assets } from './endpoints/assets.ts';
import { authorize } from './endpoints/authorize.ts';
import { clientLogo } from './endpoints/client-logo.ts';
import { discovery, metadataOf, metadataParts } from './endpoints/discovery.ts';
import { interaction } from './endpoints/interaction.ts';
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
  /** The settings, without what no feature can do. */
  readonly settings: Settings;
  readonly engine: Engine;
  readonly endpoints: readonly Endpoint[];
  readonly flows: Flows;
  /** Fields that features add to clients. */
  readonly clientFields: readonly FeatureField[];
  /** What features ask of the metadata of clients. */
  readonly clientChecks: readonly MetadataCheck[];
  /** What features verify of it by documents of others. */
  readonly clientVerifications: readonly ClientVerification[];
  /** Algorithms by which clients may encrypt to the provider. */
  readonly decryptionAlgs: readonly KeyEncryptionAlg[];
  /** Whether any address is an API. */
  readonly anyResource: boolean;
  /** APIs that tokens are issued for. */
  readonly resources: readonly ResourceDefinition[];
  /** All events that can happen. */
  readonly events: readonly EventDefinition[];
}

/** @param refuse is told of everything that does not fit */
export function assemble(features: readonly Feature[], given: Settings, refuse: Refuse): Assembly {
  const parts = features.map((feature) => ({ ...feature.contribute(), from: feature.name }));
  const engine = engineOf(parts, refuse);
  const settings = possible(given, engine);
  const all = <
    Kind extends
      | 'endpoints'
      | 'flows'
      | 'pages'
      | 'clientFields'
      | 'clientChecks'
      | 'clientVerifications'
      | 'decryptionAlgs'
      | 'resources'
      | 'events',
  >(
    kind: Kind,
  ): readonly Item<Contributions, Kind>[] => collected<Contributions, Kind>(parts, kind);
  const flows: Flows = new Map(
    [authorizeFlow, ...all('flows')].map((flow) => [flow.name, flow] as const),
  );
  const own = [
    authorize,
    interaction(flows),
    token,
    ...all('endpoints'),
    jwks(),
    assets(),
    clientLogo,
  ];
  const declared = metadataParts(parts, settings, engine, own);
  const metadata = metadataOf(declared, (member, first, second) =>
    refuse('features', `declare ${member} twice (${first}, ${second}).`, TAKE_OUT),
  );
  const endpoints = [...own, ...discovery(() => metadata)];
  checkEndpoints(endpoints, settings, refuse);
  checkPages(settings, engine, ['error', ...all('pages').map(({ name }) => name)], refuse);
  const clientFields = all('clientFields').map(({ definition }) => definition);
  checkFields(clientFields, refuse);
  const clientChecks = all('clientChecks');
  const clientVerifications = all('clientVerifications');
  const decryptionAlgs = all('decryptionAlgs');
  checkGivenKeys(settings, decryptionAlgs, refuse);
  const resources = all('resources');
  checkFit(resources, engine, settings, refuse);
  const events = [...CORE_EVENTS, ...all('events')];
  checkEvents(all('events'), refuse);
  return {
    settings,
    engine,
    endpoints,
    flows,
    clientFields,
    clientChecks,
    clientVerifications,
    decryptionAlgs,
    resources,
    anyResource: parts.some((part) => part.anyResource === true),
    events,
  };
}

/** The settings without what clients could ask for in vain, so that nobody is told of it. */
function possible(settings: Settings, engine: Engine): Settings {
  const { clientAuthenticationMethods: methods, grants } = engine;
  const { idTokenAlgs, scopes } = settings;
  // OIDC Core §10.1: a symmetric signature needs a secret of the client.
  const hasSecrets = methods.some(({ needs }) => needsSecret(needs));
  // OIDC Core §11: the scope asks for a refresh token.
  const hasRefreshTokens = named(grants, 'refresh_token') !== null;
  return {
    ...settings,
    idTokenAlgs: hasSecrets ? idTokenAlgs : idTokenAlgs.filter((alg) => alg !== 'HS256'),
    scopes: hasRefreshTokens
      ? scopes
      : new Map([...scopes].filter(([name]) => name !== 'offline_access')),
  };
}

const TAKE_OUT = 'Take one of them out.';

/** What the core brings itself. */
const CORE: Partial<Engine> = {
  parameters: CORE_PARAMETERS,
  responseModes: CORE_RESPONSE_MODES,
  steps: [login, account, consent],
};

type Item<Parts, Kind extends keyof Parts> =
  NonNullable<Parts[Kind]> extends readonly (infer One)[] ? One : never;

/** One kind of contribution of all parts, in their order. */
function collected<Parts, Kind extends keyof Parts>(
  parts: readonly Parts[],
  kind: Kind,
): readonly Item<Parts, Kind>[] {
  return parts.flatMap((part) => (part[kind] ?? []) as readonly Item<Parts, Kind>[]);
}

function engineOf(features: readonly Contributions[], refuse: Refuse): Engine {
  const parts: readonly Partial<Engine>[] = [CORE, ...features];
  const kinds = Object.keys(ENGINE_KINDS) as (keyof Engine)[];
  const collections = kinds.map((kind) => {
    const things: readonly Named[] = collected(parts, kind);
    refuseTwice(things.map(nameOf), ENGINE_KINDS[kind], refuse);
    return [kind, things];
  });
  const engine = Object.fromEntries(collections) as Engine;
  checkArtifacts(engine, refuse);
  const { responseModes: modes } = engine;
  // A mode that wraps another one is there where that one is.
  const responseModes = modes.filter(
    ({ wraps }) => wraps === undefined || named(modes, wraps.mode) !== null,
  );
  return { ...engine, responseModes, steps: orderedSteps(engine.steps, refuse) };
}

function refuseTwice(names: readonly string[], what: string, refuse: Refuse): void {
  const again = names.filter((name, index) => names.indexOf(name) !== index);
  for (const name of new Set(again)) refuse('features', `bring ${what} ${name} twice.`, TAKE_OUT);
}

function checkArtifacts({ responseTypes, artifacts }: Engine, refuse: Refuse): void {
  for (const { name, artifacts: needed } of responseTypes) {
    if (name !== responseTypeName(name))
      refuse('features', `bring the response type ${name}.`, `Write ${responseTypeName(name)}.`);
    for (const artifact of needed.filter((one) => named(artifacts, one) === null))
      refuse(
        'features',
        `bring the response type ${name}, but nothing that makes ${artifact}.`,
        'Add the feature that makes it.',
      );
  }
}

function checkEndpoints(endpoints: readonly Endpoint[], settings: Settings, refuse: Refuse): void {
  refuseTwice(endpoints.map(nameOf), 'the endpoint', refuse);
  const paths = endpoints.flatMap((endpoint) => pathsOf(settings, endpoint));
  refuseTwice(paths, 'an endpoint at', refuse);
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
    const given = page.address ?? pages[page.name];
    if (typeof given !== 'function' && !isPageAddress(given))
      wrong(page.name, 'must be a function, or the address of your own page, such as /login.');
  }
}

/** A row with a longer name would be refused by the database, and all of its batch with it. */
const EVENT_NAME = /^(?=.{1,64}$)[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$/;

function checkEvents(own: readonly EventDefinition[], refuse: Refuse): void {
  refuseTwice([...CORE_EVENTS, ...own].map(nameOf), 'the event', refuse);
  for (const { name } of own.filter((one) => !EVENT_NAME.test(one.name)))
    refuse('features', `bring the event ${name}.`, 'Name it like car.taken, in 64 characters.');
}

/** Where keys are given, those that decrypt are given as well: none are made. */
function checkGivenKeys(
  { signingKeys }: Settings,
  decryptionAlgs: readonly KeyEncryptionAlg[],
  refuse: Refuse,
): void {
  if (signingKeys === null) return;
  for (const alg of decryptionAlgs.filter(
    (one) => !signingKeys.some((key) => key.active && key.alg === one),
  ))
    refuse('signingKeys', `have no key for ${alg}.`, 'Add one, or do not offer the algorithm.');
}

function checkFields(fields: readonly FeatureField[], refuse: Refuse): void {
  const all = [...Object.values(CLIENT_FIELDS), ...fields];
  refuseTwice(
    all.map(({ wireName }) => wireName),
    'the client field',
    refuse,
  );
  refuseTwice(
    all.map(({ flag }) => flag),
    'the client option',
    refuse,
  );
}
