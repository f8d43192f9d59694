/**
 * The public API: making a provider, the contracts a user may implement, and the types both speak.
 * Nothing else is public at ".".
 */

export type { Subjects, TokenInfo, Tokens } from './administration.ts';
export type { Config, ScopeConfig } from './config.ts';
export { CORE_OPTIONS } from './config-options.ts';
export { describeError } from './console-logger.ts';
export { sha256 } from './crypto/bytes.ts';
export { type ClientCertificate, certificateThumbprint } from './crypto/certificates.ts';
export {
  checkDpopProof,
  DPOP_ALGS,
  type DpopExpectation,
  type DpopProof,
} from './crypto/dpop-proof.ts';
export { type HandleKind, newHandle, parseHandle, type Random } from './crypto/handles.ts';
export { type JwtClaims, JwtError, type JwtKey, type JwtProblem } from './crypto/jwt.ts';
export type { KeyState } from './crypto/keyring.ts';
export type { Vault } from './crypto/vault.ts';
export type {
  AccessTokenBounds,
  AccessTokenWriter,
  UnwrittenAccessToken,
} from './domain/access-tokens.ts';
export type {
  Account,
  Accounts,
  Authenticated,
  Credentials,
  HostSession,
} from './domain/accounts.ts';
export { addressIn } from './domain/addresses.ts';
export {
  type ChosenCredentials,
  type ClientChanges,
  ClientMetadataError,
  type ClientPage,
  type Clients,
  type DescribedClient,
  type KnownClients,
  type ManagedClient,
  type OwnCredentials,
  type OwnRegistrations,
  type RegisteredClient,
} from './domain/client-registry.ts';
export type { Confirmation } from './domain/confirmations.ts';
export type { Context } from './domain/context.ts';
export type { Deliveries } from './domain/deliveries.ts';
export {
  type AnyEventFacts,
  defineEvent,
  type EventConcern,
  type EventDefinition,
  type EventDetail,
  type EventFacts,
  type EventField,
  type EventFieldValue,
  isEvent,
  type ReportedEvent,
  type RequiredFacts,
} from './domain/event-definition.ts';
export * from './domain/event-definitions.ts';
export type { Events } from './domain/events.ts';
export type {
  InitialAccessTokens,
  MadeInitialAccessToken,
  NewInitialAccessToken,
} from './domain/initial-access-tokens.ts';
export type { Interaction, StepStates } from './domain/interactions.ts';
export { isUsable, newOneTimeRecord, type OneTimeFacts } from './domain/one-time-records.ts';
export type {
  DocumentRules,
  FetchedDocument,
  Outbound,
  OutboundProblem,
  Picture,
  Shelf,
} from './domain/outbound.ts';
export { OutboundError } from './domain/outbound.ts';
export type * from './domain/pages.ts';
export {
  type LimitedKey,
  type RateLimiter,
  type RateLimitKey,
  type ReachedLimit,
  TooManyAttempts,
} from './domain/rate-limiter.ts';
export type {
  Consumption,
  LiveRefreshToken,
  Redemption,
  RepeatedRefreshToken,
  TokenResponse,
} from './domain/redemption.ts';
export type { Successor } from './domain/refresh-tokens.ts';
export type { RequestFacts } from './domain/request-facts.ts';
export type {
  AccessTokenFormatName,
  KnownResources,
  RegisteredResource,
  ResourceDefinition,
  ResourceEncryption,
  Resources,
} from './domain/resources.ts';
export type { Login } from './domain/sessions.ts';
export type {
  AccessTokenClaimsRequest,
  AccessTokenClaimsSource,
  AuditListener,
  ClaimsRequest,
  ClaimsSource,
  GivenKey,
  GivenPem,
  KeySchedule,
  Lifetimes,
  Logger,
  LogoutRules,
  RateLimit,
  RateLimits,
  RefreshTokenRules,
  RequestLimits,
  ScopeDefinition,
  ScopeOffer,
  ScopesRequest,
  ScopesSource,
  Settings,
  Signer,
} from './domain/settings.ts';
export type { KeyAdmin, KeyInfo, SigningKeys, TokenSigner } from './domain/signing-keys.ts';
export { type AuthenticatedClient, authenticateClient } from './engine/authenticate-client.ts';
export { type ClientCall, type ClientEndpoint, clientEndpoint } from './engine/client-endpoint.ts';
export type { AccessTokenFormat, TokenAudience } from './engine/contracts/access-token-format.ts';
export type {
  ClientAuthenticationMethod,
  PresentedCredentials,
} from './engine/contracts/client-authentication.ts';
export { clientNotProven } from './engine/contracts/client-authentication.ts';
export { type ClientField, clientField } from './engine/contracts/client-field.ts';
export type { ClientSource } from './engine/contracts/client-source.ts';
export type { ClientVerification } from './engine/contracts/client-verification.ts';
export type { EngineContext, RefusalLog } from './engine/contracts/context.ts';
export type { Endpoint } from './engine/contracts/endpoint.ts';
export type { Engine } from './engine/contracts/engine.ts';
export {
  type Contributions,
  defineFeature,
  type Feature,
  type FeatureDefinition,
  type FeatureFactory,
  type FeatureSwitch,
  optionGroup,
} from './engine/contracts/feature.ts';
export type { Flow, FlowEnd, OpenedFlow } from './engine/contracts/flow.ts';
export {
  defineGrant,
  type Grant,
  type GrantDefinition,
  type GrantProof,
} from './engine/contracts/grant.ts';
export {
  type Check,
  checkFunction,
  checkOptions,
  hasMethods,
  type ListedOption,
  nearest,
  type Option,
  type OptionKind,
  type OptionRule,
  type OptionsOf,
  type OptionTable,
  problemList,
  type Refuse,
  type RuleTable,
  writtenOptions,
} from './engine/contracts/options.ts';
export {
  type AllowedRequest,
  type AuthorizationParameter,
  authorizationParameter,
  type ParameterDefinition,
  type ParameterReading,
} from './engine/contracts/parameter.ts';
export type {
  LoadedRequest,
  ParameterSource,
  SourceReference,
} from './engine/contracts/parameter-source.ts';
export type { RegistrationLimitOptions } from './engine/contracts/registration-limits.ts';
export type {
  Artifact,
  ArtifactOutcome,
  AuthorizedRequest,
  ClientChanged,
  MadeArtifact,
  RequestConsumed,
  ResponseAddition,
  ResponseMode,
  ResponseParameters,
  ResponseType,
  SessionEnded,
  TokensOfRequest,
  WrappingMode,
} from './engine/contracts/response-type.ts';
export type { SessionListener } from './engine/contracts/session-listener.ts';
export {
  type AccountDecision,
  type Answered,
  type Declined,
  type Due,
  declined,
  defineStep,
  type Notice,
  type PostedAnswer,
  type ShownAgain,
  type SignedIn,
  type Situation,
  type Step,
  type StepOutcome,
  unknownDecision,
} from './engine/contracts/step.ts';
export type { SubjectIdentifier } from './engine/contracts/subject-identifier.ts';
export type { PresentedToken, TokenConstraint } from './engine/contracts/token-constraint.ts';
export type { TokenParameter, TokenReading } from './engine/contracts/token-parameter.ts';
export type { DescribedAccessToken } from './engine/described-token.ts';
export {
  acrValues,
  hintedSub,
  loginHint,
  maxAge,
  nonce,
  prompts,
  uiLocales,
} from './engine/parameters.ts';
export {
  RESOURCE_FIELDS,
  type ResourceField,
  type ResourceFields,
} from './engine/resource-fields.ts';
export * from './features.ts';
export type { InteractionDetails, Interactions } from './host-interactions.ts';
export { type McpOptions, mcp } from './mcp.ts';
export type {
  AuthorizationRequest,
  ConsentItem,
  Destination,
  LoginDemand,
} from './protocol/authorization-request.ts';
export { SCOPE_CLAIMS } from './protocol/claims.ts';
export { CLIENT_FIELDS } from './protocol/client-field-definitions.ts';
export type { FeatureField, FieldDefinition, FieldKind } from './protocol/client-fields.ts';
export { CLIENT_KINDS, type ClientKind, metadataOfKind } from './protocol/client-kinds.ts';
export type {
  ClientMember,
  ClientMetadata,
  CompleteClientMetadata,
} from './protocol/client-metadata.ts';
export {
  type CredentialKind,
  isPublic,
  type MetadataCheck,
  type MetadataProblem,
  type MetadataRules,
} from './protocol/client-metadata-rules.ts';
export {
  ConfigError,
  type ConfigProblem,
  type ErrorCode,
  OAuthError,
  type OAuthErrorOptions,
  type RefusalHint,
} from './protocol/errors.ts';
export type {
  ClientAuthenticationMethodName,
  IdTokenAlg,
  KeyAlg,
  KeyEncryptionAlg,
  SigningAlg,
} from './protocol/names.ts';
export type { ParamLimits, Params } from './protocol/params.ts';
export { forLog } from './protocol/remedies.ts';
export { isSameResource } from './protocol/resource-identifier.ts';
export { isScopeToken, parseScope } from './protocol/scope.ts';
export { createProvider, type Provider, type Sessions } from './provider.ts';
export type {
  BuiltInEvent,
  CoreEvent,
  EventListener,
  OwnEvent,
  ProviderEvent,
} from './provider-event.ts';
export { checkConfig } from './resolve-config.ts';
export type { ResourceAdmin, ResourceChanges } from './resource-registry.ts';
export type * from './store/clients.ts';
export * from './store/counters.ts';
export type * from './store/deliveries.ts';
export type * from './store/issue.ts';
export { memoryDatabase } from './store/memory.ts';
export type * from './store/records.ts';
export type * from './store/resources.ts';
export * from './store/store.ts';
export {
  ACCESS_TOKEN_ALGS,
  type VerifyAccessTokenOptions,
  verifyAccessToken,
} from './verify-access-token.ts';
export { type VerifyIdTokenOptions, verifyIdToken } from './verify-id-token.ts';
export type { CorsRule } from './web/cors.ts';
export {
  acceptedLanguages,
  definePage,
  drawPage,
  htmlResponse,
  type PageDefinition,
  type PageOptions,
  pageView,
} from './web/page.ts';
export type { HttpRequest, RequestContext, RequestInfo } from './web/request.ts';
export { empty, json, redirect } from './web/respond.ts';
