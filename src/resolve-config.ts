/**
 * From what the user wrote to `Settings`, the features in force and the engine made of them.
 * Refuses what is wrong. Nothing is opened, and nothing runs.
 */
import { randomBytes } from 'node:crypto';
import { checkEachOption, checkTogether } from './check-config.ts';
import type { Config, ScopeConfig } from './config.ts';
import { CORE_OPTIONS } from './config-options.ts';
import { CONSOLE } from './console-logger.ts';
import { pooledRandom } from './crypto/random.ts';
import type { AuditListener, ScopeDefinition, Settings } from './domain/settings.ts';
import { type Assembly, assemble } from './engine/assemble.ts';
import { type Feature, isEnabled, optionGroup } from './engine/contracts/feature.ts';
import { problemList, withDefaults } from './engine/contracts/options.ts';
import { BUILT_IN_FEATURES } from './features.ts';
import { SCOPE_CLAIMS, STANDARD_SCOPES } from './protocol/claims.ts';
import { ConfigError, type ConfigProblem } from './protocol/errors.ts';
import { SIGNING_ALGS, type SigningAlg } from './protocol/names.ts';
import { isWriting } from './protocol/scope.ts';

/** What a provider is made of. */
export interface ResolvedConfig {
  readonly settings: Settings;
  readonly assembly: Assembly;
}

/** Bounds of one request, in characters and parameters. */
const LIMITS: Settings['limits'] = { total: 65_536, count: 100, value: 8192, url: 16_384 };

/**
 * Everything wrong with a configuration, each with its remedy; empty when a provider can be made.
 */
export function checkConfig(config: Config): readonly ConfigProblem[] {
  return inspect(config).problems;
}

/** Fills in the defaults. @throws ConfigError that lists every problem with its remedy */
export function resolveConfig(config: Config): ResolvedConfig {
  const { problems, resolved } = inspect(config);
  if (resolved === null) throw new ConfigError(problems);
  return resolved;
}

function inspect(config: Config): {
  readonly problems: readonly ConfigProblem[];
  readonly resolved: ResolvedConfig | null;
} {
  const { problems, refuse } = problemList();
  checkEachOption(config, refuse);
  // Check options against one another once each is right by itself.
  if (problems.length === 0) checkTogether(config, refuse);
  if (problems.length > 0) return { problems, resolved: null };
  const features = featuresOf(config);
  const assembly = assemble(features, settingsOf(config, features), refuse);
  const { settings } = assembly;
  return { problems, resolved: problems.length > 0 ? null : { settings, assembly } };
}

/** The built-in features, those of the configuration in place of theirs or after them. */
function featuresOf(config: Config): readonly Feature[] {
  const { features: given = [], grants = [], clientAuthenticationMethods = [] } = config;
  const builtIn = BUILT_IN_FEATURES.map((factory) => factory());
  const own: Feature = {
    name: 'configuration',
    given: {},
    options: {},
    contribute: () => ({ grants, clientAuthenticationMethods }),
  };
  const names = builtIn.map(({ name }) => name);
  const all = [
    ...builtIn.map((feature) => given.find(({ name }) => name === feature.name) ?? feature),
    ...given.filter(({ name }) => !names.includes(name)),
  ];
  return [...all.filter(isEnabled), own];
}

function settingsOf(config: Config, features: readonly Feature[]): Settings {
  const all = withDefaults(CORE_OPTIONS, { ...config }) as unknown as Config & Settings;
  const { issuer, accounts, pages } = config;
  return {
    ...all,
    issuer,
    accounts,
    pages,
    // A hint at logout is verified for as long as the session that it names can live.
    keySchedule: {
      ...all.keySchedule,
      keepAfter: Math.max(all.keySchedule.keepAfter, all.lifetimes.sessionAbsolute),
    },
    basePath: (config.basePath ?? pathOf(issuer)).replace(/\/$/, ''),
    // An ephemeral store ends with the process, so its secret may as well.
    secret: [config.secret ?? randomBytes(32).toString('base64url')].flat(),
    name: config.name ?? new URL(issuer).host,
    scopes: scopesOf(config.scopes ?? {}),
    claims: config.claims ?? null,
    scopesFor: config.scopesFor ?? null,
    accessTokenClaims: config.accessTokenClaims ?? null,
    signingKeys: config.signingKeys ?? null,
    clock: config.clock ?? (() => Math.floor(Date.now() / 1000)),
    random: config.random ?? pooledRandom(),
    logger: config.logger ?? CONSOLE,
    onEvent: (config.onEvent as AuditListener | undefined) ?? null,
    idTokenAlgs: [...signingAlgs(all), 'HS256'],
    weakened: weakenedBy(config, features),
    limits: LIMITS,
  };
}

/** Endpoints live below the path of the issuer, or below /o where it has none. */
function pathOf(issuer: string): string {
  const { pathname } = new URL(issuer);
  return pathname === '/' ? '/o' : pathname;
}

/** Algorithms with a key of ours: given ones if any are given, else those of the schedule. */
function signingAlgs({ signingKeys, keySchedule }: Config & Settings): readonly SigningAlg[] {
  const active = signingKeys?.filter((key) => key.active).map(({ alg }) => alg);
  const algs: readonly string[] = active ?? keySchedule.algs;
  return SIGNING_ALGS.filter((alg) => algs.includes(alg));
}

function scopesOf(
  extra: Readonly<Record<string, ScopeConfig | null>>,
): ReadonlyMap<string, ScopeDefinition> {
  const scopes = new Map<string, ScopeDefinition>();
  const all: readonly [string, ScopeConfig | null][] = [
    ...Object.entries(STANDARD_SCOPES),
    ...Object.entries(extra),
  ];
  for (const [name, scope] of all) {
    if (scope === null) {
      scopes.delete(name);
      continue;
    }
    const given: Exclude<ScopeConfig, string> =
      typeof scope === 'string' ? { description: scope } : scope;
    const { description, claims = SCOPE_CLAIMS[name] ?? [], writes = isWriting(name) } = given;
    scopes.set(name, { name, description, claims, writes });
  }
  return scopes;
}

const isOn = (value: unknown): boolean =>
  value === true || (Array.isArray(value) && value.length > 0);

/** Names of the `allow…` options in force, of features as well. */
function weakenedBy(config: Config, features: readonly Feature[]): readonly string[] {
  const on = (values: object, prefix: string): readonly string[] =>
    Object.entries(values).flatMap(([name, value]) =>
      name.startsWith('allow') && isOn(value) ? [prefix + name] : [],
    );
  return [
    ...on(config, ''),
    ...features.flatMap(({ given, name }) => on(given, `${optionGroup(name)}.`)),
  ];
}
