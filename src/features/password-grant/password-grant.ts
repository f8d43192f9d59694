/**
 * The resource owner password credentials grant (RFC 6749 §4.3), for applications that are moved
 * here from elsewhere. An application that asks for passwords sees them, so RFC 9700 §2.4 forbids
 * it to new ones: no page of ours, no second factor and no consent stand between.
 */
import { accountKeyOf, canonicalUsername, proveLogin } from '../../domain/login.ts';
import { resolveScopes } from '../../domain/scopes.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { defineGrant, type Grant } from '../../engine/contracts/grant.ts';
import { OAuthError } from '../../protocol/errors.ts';

/** Options of the password grant. */
export interface PasswordGrantOptions {
  /**
   * Weakens: applications that are registered for the grant type `password` may send names and
   * passwords of people.
   * @default false
   */
  readonly allowPasswordGrant: boolean;
}

interface PasswordParams {
  readonly username: string;
  readonly password: string;
  readonly scope: string | undefined;
}

const grant: Grant = defineGrant<PasswordParams>({
  type: 'password',
  // The proof of the login counts the revocations itself.
  provesSubject: false,

  params: (params) => ({
    username: params.need('username'),
    password: params.need('password'),
    scope: params.get('scope'),
  }),

  async redeem(ctx, client, { username: typed, password, scope }) {
    const scopes = await resolveScopes(ctx.settings, client, scope, 'for-user');
    const username = canonicalUsername(typed);
    const account = await accountKeyOf(ctx, username);
    // RFC 6749 §4.3.2: the endpoint is protected against brute force, by the limits of the pages.
    const proven = await proveLogin(ctx, { username, password, account, knownDevice: null });
    if (proven === null)
      throw new OAuthError('invalid_grant', 'credentials', 'The credentials are not valid.');
    const { amr, acr = null, proof } = proven;
    return {
      entitlement: {
        clientId: client.clientId,
        sub: proven.account.sub,
        // Nobody was asked, so nothing is remembered that could be withdrawn.
        authorizationId: null,
        sid: null,
        scopes,
        authTime: ctx.now(),
        amr,
        acr,
        details: {},
      },
      scopes,
      nonce: null,
      refreshable: true,
      consumption: null,
      proof,
    };
  },
});

/** The password grant (RFC 6749 §4.3). */
export const passwordGrant: FeatureFactory<PasswordGrantOptions> =
  defineFeature<PasswordGrantOptions>({
    name: 'password-grant',
    description: 'The password grant (RFC 6749 §4.3), where it is allowed',
    options: {
      allowPasswordGrant: {
        kind: 'flag',
        description: 'Weakens: applications registered so may send passwords of people',
        default: false,
      },
    },
    create: ({ allowPasswordGrant }) => (allowPasswordGrant ? { grants: [grant] } : {}),
  });
