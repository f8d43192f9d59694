/**
 * Dynamic client registration (RFC 7591, OpenID Connect Registration) and its management (RFC
 * 7592). It is off, and where it is on it is closed: a client needs an initial access token.
 */
import type { RateLimit } from '../../domain/settings.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { type Check, isObject } from '../../engine/contracts/options.ts';
import {
  REGISTRATION_LIMITS,
  type RegistrationLimitOptions,
} from '../../engine/contracts/registration-limits.ts';
import { keySetProblem } from '../../protocol/key-sets.ts';
import { managementEndpoint, registrationEndpoint } from './endpoints.ts';

/** Options of dynamic registration. */
export interface DynamicRegistrationOptions extends RegistrationLimitOptions {
  /**
   * Weakens: anybody may register a client. Without it, clients need an initial access token.
   * @default false
   */
  readonly allowOpenRegistration: boolean;
  /**
   * Weakens: clients may name addresses of keys, request objects and logout at the origins of
   * `allowOutbound`, inside your network. @default false
   */
  readonly allowInternalAddresses: boolean;
  /**
   * Registrations without an initial access token, per network, or in all where the host tells no
   * address. @default 10 in an hour
   */
  readonly registrations: RateLimit;
  /** The same from all networks together. @default 1000 in a day */
  readonly registrationsInAll: RateLimit;
  /**
   * Public clients that register without an initial access token, and ask for the same, share one
   * registration: one row and one client_id, which none of them can change. @default true
   */
  readonly shareIdentical: boolean;
  /** A client gets another token whenever it changes its registration. @default true */
  readonly rotateToken: boolean;
  /** Changes that a client makes to its registration. @default 30 in an hour */
  readonly changes: RateLimit;
  /**
   * Hosts that their redirect URIs may be on, and private-use schemes (`com.example.app:`). Empty:
   * any. @default []
   */
  readonly redirectHosts: readonly string[];
  /**
   * Who may sign software statements, by `iss`: the address of a JWK Set, or a JWK Set. None:
   * software statements are ignored. @default {}
   */
  readonly softwareStatementIssuers: Readonly<Record<string, unknown>>;
  /** Every registration needs a software statement. @default false */
  readonly requireSoftwareStatement: boolean;
}

const [HOUR, DAY] = [3600, 86_400];

const checkIssuers: Check = (value, option, refuse) => {
  for (const [issuer, keys] of Object.entries(value as object)) {
    const isAddress = typeof keys === 'string' && URL.canParse(keys);
    if (isAddress || (isObject(keys) && keySetProblem(keys) === null)) continue;
    const remedy = 'Write the address of its JWK Set, or the JWK Set.';
    refuse(`${option}.${issuer}`, 'has no public keys.', remedy);
  }
};

/** Dynamic client registration and its management (RFC 7591, RFC 7592). */
export const dynamicRegistration: FeatureFactory<DynamicRegistrationOptions> =
  defineFeature<DynamicRegistrationOptions>({
    name: 'dynamic-registration',
    description: 'Clients register themselves (RFC 7591) and manage their registration (RFC 7592)',
    enabled: false,
    options: {
      allowOpenRegistration: {
        kind: 'flag',
        description: 'Weakens: anybody may register a client, without an initial access token',
        default: false,
      },
      allowInternalAddresses: {
        kind: 'flag',
        description: 'Weakens: clients may name addresses at the origins of allowOutbound',
        default: false,
      },
      registrations: {
        kind: 'rate-limit',
        description: 'Registrations without an initial access token, per network',
        default: { limit: 10, seconds: HOUR },
      },
      registrationsInAll: {
        kind: 'rate-limit',
        description: 'Registrations without an initial access token, in all',
        default: { limit: 1000, seconds: DAY },
      },
      shareIdentical: {
        kind: 'flag',
        description: 'Public clients that ask for the same share one registration',
        default: true,
      },
      rotateToken: {
        kind: 'flag',
        description: 'A client gets another token whenever it changes its registration',
        default: true,
      },
      changes: {
        kind: 'rate-limit',
        description: 'Changes that a client makes to its registration',
        default: { limit: 30, seconds: HOUR },
      },
      ...REGISTRATION_LIMITS,
      redirectHosts: {
        kind: 'list',
        description: 'Hosts of their redirect URIs, and private-use schemes',
        defaultText: 'any host',
        default: [],
      },
      softwareStatementIssuers: {
        kind: 'map',
        description: 'Who may sign software statements: {"issuer": "address of its JWK Set"}',
        default: {},
        check: checkIssuers,
      },
      requireSoftwareStatement: {
        kind: 'flag',
        description: 'Every registration needs a software statement',
        default: false,
      },
    },
    create: (options) => ({
      endpoints: [registrationEndpoint(options), managementEndpoint(options)],
    }),
  });
