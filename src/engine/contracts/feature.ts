/**
 * The contract of a feature: one specification as one value. Everything it contributes is declared
 * here and nothing is registered by side effect, so that taking a feature out of the list takes it
 * away whole. `assemble.ts` puts the contributions of all features together.
 */

import type { EventDefinition } from '../../domain/event-definition.ts';
import type { ResourceDefinition } from '../../domain/resources.ts';
import type { Settings } from '../../domain/settings.ts';
import type { MetadataCheck } from '../../protocol/client-metadata-rules.ts';
import type { KeyEncryptionAlg } from '../../protocol/names.ts';
import type { PageDefinition } from '../../web/page.ts';
import type { ClientField } from './client-field.ts';
import type { ClientVerification } from './client-verification.ts';
import type { Endpoint } from './endpoint.ts';
import type { Engine } from './engine.ts';
import type { Flow } from './flow.ts';
import { type OptionsOf, type OptionTable, withDefaults } from './options.ts';

/** What a feature adds: parts of the engine (`Engine`), and these. Every part is optional. */
export interface Contributions extends Partial<Engine> {
  /** Its endpoints. */
  readonly endpoints?: readonly Endpoint[];
  /** Ways to ask people for an authorization. */
  readonly flows?: readonly Flow[];
  /** Pages other than those of its steps; `config.pages` must have a template for each. */
  readonly pages?: readonly PageDefinition<never>[];
  /** Its fields of clients. */
  readonly clientFields?: readonly ClientField[];
  /** What it asks of the metadata of a client as a whole. */
  readonly clientChecks?: readonly MetadataCheck[];
  /** What it verifies of the metadata of a client by documents of others. */
  readonly clientVerifications?: readonly ClientVerification[];
  /**
   * Its part of the discovery documents. Two features that claim one name are a start-up error.
   * @param addresses of the endpoints that clients prove themselves at, by their names there
   * @param endpoints names there of all endpoints
   */
  readonly metadata?: (
    settings: Settings,
    addresses: Readonly<Record<string, string>>,
    endpoints: readonly string[],
  ) => Readonly<Record<string, unknown>>;
  /** Algorithms by which clients may encrypt to the provider: each has a key. */
  readonly decryptionAlgs?: readonly KeyEncryptionAlg[];
  /** True where any address is an API, also one that is not registered. @default false */
  readonly anyResource?: boolean;
  /** APIs that it registers. */
  readonly resources?: readonly ResourceDefinition[];
  /** The events that it reports, of its own: `defineEvent`. Those of the core need no entry. */
  readonly events?: readonly EventDefinition[];
}

/** A feature with its options given. */
export interface Feature {
  /** Its name, as its folder has it: kebab-case. */
  readonly name: string;
  /** Its options, as they were given. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Its table of options. */
  readonly options: OptionTable;
  /** Called once per provider, after the options were checked. */
  contribute(): Contributions;
}

/** Makes a feature from its options. */
export interface FeatureFactory<Options extends object = Record<never, never>> {
  /** @param options what differs from the defaults */
  (options?: Partial<Options & FeatureSwitch>): Feature;
  /** Name of the feature. */
  readonly featureName: string;
  /** The table of options, which can be read before anything runs. */
  readonly options: OptionTable;
}

/** The option every feature has. */
export interface FeatureSwitch {
  /** False takes the feature away, as if it were not in the list. */
  readonly enabled: boolean;
}

/** What makes a feature. */
export interface FeatureDefinition<Options extends object> {
  /** Its name, as its folder has it: kebab-case. */
  readonly name: string;
  /** One line for `docs/settings.md`. */
  readonly description: string;
  /** Whether it is there unless somebody says otherwise. @default true */
  readonly enabled?: boolean;
  /** One entry per option. */
  readonly options: OptionsOf<Options>;
  /**
   * Makes its contributions, once per provider.
   * @param options with every default filled in
   */
  create(options: Options): Contributions;
}

/** Makes a feature from its definition. */
export function defineFeature<Options extends object = Record<never, never>>(
  definition: FeatureDefinition<Options>,
): FeatureFactory<Options> {
  const { name, description, enabled = true, create } = definition;
  const options: OptionTable = {
    enabled: { kind: 'flag', default: enabled, description },
    ...(definition.options as OptionTable),
  };
  const make = (given: Partial<Options & FeatureSwitch> = {}): Feature => ({
    name,
    given: { ...given } as Readonly<Record<string, unknown>>,
    options,
    contribute: () => create(withDefaults(options, { ...given }) as Options),
  });
  return Object.assign(make, { featureName: name, options });
}

/**
 * The group in which the options of a feature stand: `device-authorization` →
 * `deviceAuthorization`.
 */
export function optionGroup(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** True when the options of a feature leave it in. */
export function isEnabled({ options, given }: Feature): boolean {
  return withDefaults(options, given)['enabled'] === true;
}
