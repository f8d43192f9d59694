/** The public API: making a provider, the contracts a user may implement, and the types both speak. Nothing else is public at ".". */
export type {
  AuthenticatedClient,
  ClientAuthMethod,
  Credentialed,
  PresentedCredentials,
} from './client-auth/client-auth.ts';
export { authenticateClient } from './client-auth/client-auth.ts';
export { type Config, DEFAULTS } from './config.ts';
export { type JwtClaims, JwtError, type JwtProblem } from './crypto/jwt.ts';
export type { KeyState } from './crypto/keyring.ts';
export type { Random, Vault } from './crypto/secrets.ts';
export type { Account, Accounts, Authenticated, Credentials } from './domain/accounts.ts';
export { ClientMetadataError, type Clients, type RegisteredClient } from './domain/clients.ts';
export type { Context } from './domain/context.ts';
export type { EventFacts, Events, EventType } from './domain/events.ts';
export type { Consumption, Redemption, TokenResponse } from './domain/issuance.ts';
export type * from './domain/pages.ts';
export type { RateLimiter } from './domain/rate-limiter.ts';
export type { Login } from './domain/sessions.ts';
export type {
  ClaimsRequest,
  ClaimsSource,
  EventListener,
  GivenKey,
  KeySchedule,
  Lifetimes,
  Logger,
  RateLimit,
  RateLimits,
  ScopeDefinition,
  Settings,
} from './domain/settings.ts';
export type { KeyAdmin, KeyInfo, Signer, SigningKeys } from './domain/signing-keys.ts';
export type { EndpointName } from './domain/urls.ts';
export { defineGrant, type Grant, type GrantDefinition } from './grants/grant.ts';
export type { InteractionDetails, Interactions } from './host-interactions.ts';
export { SCOPE_CLAIMS } from './protocol/claims.ts';
export type { ClientMetadata, MetadataProblem } from './protocol/client-metadata.ts';
export {
  ConfigError,
  type ConfigProblem,
  type ErrorCode,
  OAuthError,
  type OAuthErrorOptions,
} from './protocol/errors.ts';
export type {
  AuthMethod,
  GrantType,
  IdTokenAlg,
  Prompt,
  ResponseMode,
  ResponseType,
  SigningAlg,
} from './protocol/names.ts';
export type { ParamLimits, Params } from './protocol/params.ts';
export { parseScope } from './protocol/scope.ts';
export { createProvider, type Provider, type Subjects } from './provider.ts';
export { memoryDatabase } from './store/memory.ts';
export type * from './store/records.ts';
export * from './store/store.ts';
export { type VerifyIdTokenOptions, verifyIdToken } from './verify-id-token.ts';
export type { CallInfo } from './web/call.ts';
