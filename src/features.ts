/**
 * The built-in features: the list, in the order in which discovery and documentation name them, and
 * what of them is public.
 */
import type { ReportedEvent } from './domain/event-definition.ts';
import type { FeatureFactory } from './engine/contracts/feature.ts';
import { accountOverview } from './features/account-overview/account-overview.ts';
import { authorizationCode } from './features/authorization-code/authorization-code.ts';
import type { codeReplayed } from './features/authorization-code/grant.ts';
import { backChannelLogout } from './features/back-channel-logout/back-channel-logout.ts';
import { claimsParameter } from './features/claims-parameter/claims-parameter.ts';
import { clientCredentials } from './features/client-credentials/client-credentials.ts';
import { clientIdMetadataDocuments } from './features/client-id-metadata-documents/client-id-metadata-documents.ts';
import { clientSecret } from './features/client-secret/client-secret.ts';
import { deviceAuthorization } from './features/device-authorization/device-authorization.ts';
import { dpop } from './features/dpop/dpop.ts';
import { dynamicRegistration } from './features/dynamic-registration/dynamic-registration.ts';
import { encryptedIdTokens } from './features/encrypted-id-tokens/encrypted-id-tokens.ts';
import { formPost } from './features/form-post/form-post.ts';
import { frontChannelLogout } from './features/front-channel-logout/front-channel-logout.ts';
import { introspection } from './features/introspection/introspection.ts';
import { jarm } from './features/jarm/jarm.ts';
import { jwtAccessTokens } from './features/jwt-access-tokens/jwt-access-tokens.ts';
import { jwtBearer } from './features/jwt-bearer/jwt-bearer.ts';
import { jwtClientAuthentication } from './features/jwt-client-authentication/jwt-client-authentication.ts';
import { mutualTls } from './features/mutual-tls/mutual-tls.ts';
import { pairwiseSubjects } from './features/pairwise-subjects/pairwise-subjects.ts';
import { passwordGrant } from './features/password-grant/password-grant.ts';
import { publicClient } from './features/public-client/public-client.ts';
import { pushedAuthorizationRequests } from './features/pushed-authorization-requests/pushed-authorization-requests.ts';
import { refreshToken, type refreshTokenReused } from './features/refresh-token/refresh-token.ts';
import { requestObjects } from './features/request-objects/request-objects.ts';
import { resourceIndicators } from './features/resource-indicators/resource-indicators.ts';
import { responseTypes } from './features/response-types/response-types.ts';
import { revocation } from './features/revocation/revocation.ts';
import { richAuthorizationRequests } from './features/rich-authorization-requests/rich-authorization-requests.ts';
import { rpInitiatedLogout } from './features/rp-initiated-logout/rp-initiated-logout.ts';
import { sessionManagement } from './features/session-management/session-management.ts';
import { tokenExchange } from './features/token-exchange/token-exchange.ts';
import { userRegistration } from './features/user-registration/user-registration.ts';
import { userinfo } from './features/userinfo/userinfo.ts';

export type {
  RegistrationDecision,
  RegistrationPolicy,
  RegistrationRequest,
} from './domain/registration-policy.ts';
export type {
  AccountOverviewView,
  AllowedClientView,
  OwnSessionView,
} from './features/account-overview/pages.ts';
export type { ClientIdMetadataDocumentOptions } from './features/client-id-metadata-documents/client-id-metadata-documents.ts';
export type { DeviceAuthorizationOptions } from './features/device-authorization/device-authorization.ts';
export type { PlaceOf } from './features/device-authorization/device-flow.ts';
export type {
  DeviceConfirmationView,
  DeviceResultView,
  DeviceView,
} from './features/device-authorization/pages.ts';
export type { DpopOptions } from './features/dpop/dpop.ts';
export type { DynamicRegistrationOptions } from './features/dynamic-registration/dynamic-registration.ts';
export type { FormPostView } from './features/form-post/form-post.ts';
export type { JwtAccessTokenOptions } from './features/jwt-access-tokens/jwt-access-tokens.ts';
export type {
  JwtBearerOptions,
  SubjectOfAssertion,
  TrustedIssuer,
  VerifiedAssertion,
} from './features/jwt-bearer/jwt-bearer.ts';
export type { JwtClientAuthenticationOptions } from './features/jwt-client-authentication/jwt-client-authentication.ts';
export type { MutualTlsOptions } from './features/mutual-tls/mutual-tls.ts';
export type { PairwiseSubjectOptions } from './features/pairwise-subjects/pairwise-subjects.ts';
export type { PasswordGrantOptions } from './features/password-grant/password-grant.ts';
export type { PushedAuthorizationRequestOptions } from './features/pushed-authorization-requests/pushed-authorization-requests.ts';
export type { RequestObjectOptions } from './features/request-objects/request-objects.ts';
export type { ResourceIndicatorOptions } from './features/resource-indicators/resource-indicators.ts';
export type { ResponseTypeOptions } from './features/response-types/response-types.ts';
export type {
  AuthorizationDetail,
  AuthorizationDetailType,
  DetailReader,
} from './features/rich-authorization-requests/details.ts';
export type { RichAuthorizationRequestOptions } from './features/rich-authorization-requests/rich-authorization-requests.ts';
export { authorizationDetailType } from './features/rich-authorization-requests/rich-authorization-requests.ts';
export type { LogoutView, SignedOutView } from './features/rp-initiated-logout/pages.ts';
export type { LogoutOptions } from './features/rp-initiated-logout/rp-initiated-logout.ts';
export type {
  ActingParty,
  ExchangedToken,
  MayAct,
} from './features/token-exchange/exchanged-token.ts';
export type {
  ExchangeDecision,
  ExchangePolicy,
  ExchangeRequest,
  TokenExchangeOptions,
} from './features/token-exchange/token-exchange.ts';
export type { UserRegistrationOptions } from './features/user-registration/user-registration.ts';
export type { UserinfoOptions } from './features/userinfo/userinfo.ts';
export {
  accountOverview,
  authorizationCode,
  backChannelLogout,
  claimsParameter,
  clientCredentials,
  clientIdMetadataDocuments,
  clientSecret,
  deviceAuthorization,
  dpop,
  dynamicRegistration,
  encryptedIdTokens,
  formPost,
  frontChannelLogout,
  introspection,
  jarm,
  jwtAccessTokens,
  jwtBearer,
  jwtClientAuthentication,
  mutualTls,
  pairwiseSubjects,
  passwordGrant,
  publicClient,
  pushedAuthorizationRequests,
  refreshToken,
  requestObjects,
  resourceIndicators,
  responseTypes,
  revocation,
  richAuthorizationRequests,
  rpInitiatedLogout,
  sessionManagement,
  tokenExchange,
  userinfo,
  userRegistration,
};

/** The events that these features report besides those of the core. */
export type FeatureEvent =
  | ReportedEvent<typeof codeReplayed>
  | ReportedEvent<typeof refreshTokenReused>;

/** Taking a line out takes the feature away, whole. */
export const BUILT_IN_FEATURES: readonly FeatureFactory<never>[] = [
  authorizationCode,
  responseTypes,
  refreshToken,
  clientCredentials,
  deviceAuthorization,
  passwordGrant,
  tokenExchange,
  jwtBearer,
  clientSecret,
  jwtClientAuthentication,
  mutualTls,
  publicClient,
  dynamicRegistration,
  clientIdMetadataDocuments,
  dpop,
  encryptedIdTokens,
  formPost,
  jarm,
  pushedAuthorizationRequests,
  requestObjects,
  resourceIndicators,
  jwtAccessTokens,
  richAuthorizationRequests,
  claimsParameter,
  userinfo,
  introspection,
  revocation,
  rpInitiatedLogout,
  backChannelLogout,
  frontChannelLogout,
  sessionManagement,
  accountOverview,
  pairwiseSubjects,
  userRegistration,
];
