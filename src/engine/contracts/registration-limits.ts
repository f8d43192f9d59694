/** The options that every way has by which clients come without an operator. */
import type { RegistrationPolicy } from '../../domain/registration-policy.ts';
import type { OptionsOf } from './options.ts';

/** What clients may be that register or describe themselves. */
export interface RegistrationLimitOptions {
  /**
   * Grant types that they may have; others are left out.
   * @default the authorization code, `implicit`, refresh tokens and the device flow
   */
  readonly grantTypes: readonly string[];
  /**
   * Schemes of redirect URIs: `web-and-loopback` refuses private-use schemes.
   * @default 'any'
   */
  readonly allowedSchemes: 'any' | 'web-and-loopback';
  /** Scopes that they may have; others are left out. Null: all of this server. @default null */
  readonly scopes: readonly string[] | null;
  /** Decides after all other rules. @default none */
  readonly policy: RegistrationPolicy | null;
}

export const REGISTRATION_LIMITS: OptionsOf<RegistrationLimitOptions> = {
  grantTypes: {
    kind: 'list',
    description: 'Grant types that such clients may have',
    default: [
      'authorization_code',
      'implicit',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
  },
  allowedSchemes: {
    kind: 'text',
    description: 'Schemes of redirect URIs: any, or without private-use schemes',
    choices: ['any', 'web-and-loopback'],
    default: 'any',
  },
  scopes: {
    kind: 'list',
    description: 'Scopes that such clients may have',
    defaultText: 'all scopes',
    nullable: true,
    default: null,
  },
  policy: {
    kind: 'code',
    description: 'Decides about clients after all other rules',
    default: null,
    check(value, option, refuse) {
      if (typeof value !== 'function' && value !== null)
        refuse(option, 'must be a function.', 'Pass a function.');
    },
  },
};
