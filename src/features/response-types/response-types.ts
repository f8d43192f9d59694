/**
 * Response types beside `code` (OAuth 2.0 Multiple Response Type Encoding Practices): the implicit
 * and hybrid flows of OpenID Connect (OIDC Core §3.2, §3.3), and `none`.
 */
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import type { ResponseType } from '../../engine/contracts/response-type.ts';
import { idToken, none, token } from './artifacts.ts';

/** Options of response types. */
export interface ResponseTypeOptions {
  /**
   * Weakens: response types with an access token in the address (`token`, `code token` …), for
   * applications that are registered for them, also those that register themselves. RFC 9700 §2.1.2
   * advises against it. @default false
   */
  readonly allowImplicit: boolean;
}

const IMPLICIT = ['implicit'];
// OIDC Registration §2: hybrid types need both.
const HYBRID = ['authorization_code', 'implicit'];

/** In the order in which discovery names them. */
const WITHOUT_ACCESS_TOKEN: readonly ResponseType[] = [
  { name: 'id_token', artifacts: ['id_token'], grantTypes: IMPLICIT },
  { name: 'code id_token', artifacts: ['code', 'id_token'], grantTypes: HYBRID },
  { name: 'none', artifacts: ['none'] },
];
const WITH_ACCESS_TOKEN: readonly ResponseType[] = [
  { name: 'token', artifacts: ['token'], grantTypes: IMPLICIT },
  { name: 'id_token token', artifacts: ['token', 'id_token'], grantTypes: IMPLICIT },
  { name: 'code token', artifacts: ['code', 'token'], grantTypes: HYBRID },
  { name: 'code id_token token', artifacts: ['code', 'token', 'id_token'], grantTypes: HYBRID },
];

/** Response types beside `code`: implicit and hybrid ones, and `none`. */
export const responseTypes: FeatureFactory<ResponseTypeOptions> =
  defineFeature<ResponseTypeOptions>({
    name: 'response-types',
    description: 'Response types beside code: implicit and hybrid ones (OIDC Core §3.2, §3.3)',
    options: {
      allowImplicit: {
        kind: 'flag',
        description: 'Weakens: access tokens in the address, for applications registered so',
        default: false,
      },
    },
    create: ({ allowImplicit }) => ({
      artifacts: [token, idToken, none],
      responseTypes: [...WITHOUT_ACCESS_TOKEN, ...(allowImplicit ? WITH_ACCESS_TOKEN : [])],
    }),
  });
