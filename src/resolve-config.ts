/** From what the user wrote to `Settings`: refuses what is wrong, fills in the defaults, adds the built-in plug-ins. */
import { randomBytes } from 'node:crypto';
import type { ClientAuthMethod } from './client-auth/client-auth.ts';
import {
  ALLOW_OPTIONS,
  CLIENT_AUTH_METHODS,
  type Config,
  DEFAULTS,
  GRANTS,
  LIMITS,
  STANDARD_SCOPES,
} from './config.ts';
import { checkConfig } from './config-checks.ts';
import type { ScopeDefinition, Settings } from './domain/settings.ts';
import type { Grant } from './grants/grant.ts';
import { SCOPE_CLAIMS } from './protocol/claims.ts';
import { ConfigError } from './protocol/errors.ts';
import { SIGNING_ALGS, type SigningAlg } from './protocol/names.ts';
import type { Database } from './store/store.ts';

/** Settings and the plug-ins in force. */
export interface Resolved {
  readonly settings: Settings;
  readonly store: Database;
  readonly grants: readonly Grant[];
  readonly clientAuthMethods: readonly ClientAuthMethod[];
}

/**
 * Fills in defaults and checks everything.
 * @throws ConfigError that lists every problem with its remedy
 */
export function resolveConfig(config: Config): Resolved {
  const problems = checkConfig(config);
  if (problems.length > 0) throw new ConfigError(problems);
  const all = { ...DEFAULTS, ...given(config) };
  const refreshTokens = { ...DEFAULTS.refreshTokens, ...config.refreshTokens };
  const logout = { ...DEFAULTS.logout, ...config.logout };
  const settings: Settings = {
    issuer: config.issuer,
    basePath: all.basePath.replace(/\/$/, ''),
    // Nothing outlives an ephemeral store, so its secret need not either.
    secrets:
      config.secret === undefined
        ? [randomBytes(32).toString('base64url')]
        : [config.secret].flat(),
    accounts: config.accounts,
    pages: config.pages,
    name: config.name ?? new URL(config.issuer).host,
    logoUrl: config.logoUrl ?? null,
    scopes: resolveScopes(config.scopes ?? {}),
    claims: config.claims ?? null,
    defaultScopes: all.defaultScopes,
    lifetimes: { ...DEFAULTS.lifetimes, ...config.lifetimes },
    refreshRotation: refreshTokens.rotation,
    refreshGrace: refreshTokens.grace,
    keySchedule: { ...DEFAULTS.keySchedule, ...config.keySchedule },
    givenKeys: config.signingKeys ?? null,
    idTokenAlgs: [...signingAlgs(config), 'HS256'],
    publicMaxAge: all.publicMaxAge,
    logoutConfirmation: logout.confirmation,
    logoutRevokesTokens: logout.revokeTokens,
    allowMissingPkce: config.allowMissingPkce === true,
    allowLocalhostRedirect: config.allowLocalhostRedirect === true,
    weakened: ALLOW_OPTIONS.filter((option) => config[option] === true),
    limits: LIMITS,
    rateLimits: { ...DEFAULTS.rateLimits, ...config.rateLimits },
    clientCacheSeconds: all.clientCacheSeconds,
    clock: config.clock ?? (() => Math.floor(Date.now() / 1000)),
    random: config.random ?? ((size) => randomBytes(size)),
    logger: all.logger,
    onEvent: config.onEvent ?? null,
  };
  return {
    settings,
    store: config.store,
    grants: [...GRANTS, ...(config.grants ?? [])],
    clientAuthMethods: [...CLIENT_AUTH_METHODS, ...(config.clientAuthMethods ?? [])],
  };
}

/** Without options that are there but undefined: they take nothing's place. */
function given(config: Config): Config {
  return Object.fromEntries(
    Object.entries(config).filter(([, value]) => value !== undefined),
  ) as unknown as Config;
}

/** Algorithms with a key of ours: given ones if any are given, else those of the schedule. */
function signingAlgs(config: Config): readonly SigningAlg[] {
  const active = config.signingKeys?.filter((key) => key.active).map(({ alg }) => alg);
  const algs = active ?? config.keySchedule?.algs ?? DEFAULTS.keySchedule.algs;
  return SIGNING_ALGS.filter((alg) => algs.includes(alg));
}

function resolveScopes(extra: NonNullable<Config['scopes']>): ReadonlyMap<string, ScopeDefinition> {
  const scopes = new Map<string, ScopeDefinition>();
  for (const [name, scope] of [...Object.entries(STANDARD_SCOPES), ...Object.entries(extra)]) {
    if (scope === null) scopes.delete(name);
    else {
      const { description, claims } =
        typeof scope === 'string' ? { description: scope, claims: undefined } : scope;
      scopes.set(name, { name, description, claims: claims ?? SCOPE_CLAIMS[name] ?? [] });
    }
  }
  return scopes;
}
