/**
 * `valetkey/resource`: protecting an API with access tokens (an OAuth 2 resource server), whether
 * the provider runs in the same process, elsewhere, or is another product.
 */
export { createResource } from './api.ts';
export type {
  Authorized,
  Checked,
  CheckedResponse,
  CheckedToken,
  Passed,
  PassRules,
  Refusal,
  RefusedRequest,
  Resource,
  ResourceOptions,
  Verdict,
} from './api-contract.ts';
export type { ApiRequest, ApiRequestInfo } from './api-request.ts';
export type { Refused } from './challenge.ts';
export type { Fetch } from './fetch-json.ts';
export { type IntrospectedTokenOptions, introspectedTokens } from './introspected-tokens.ts';
export { type JwtTokenOptions, jwtTokens } from './jwt-tokens.ts';
export {
  type AuthorizationCodeFlow,
  type DiscoveredScheme,
  type FlowScheme,
  type RequirementOptions,
  type SecurityRequirement,
  type SecurityScheme,
  type SecuritySchemeOptions,
  securityRequirements,
  securityScheme,
} from './openapi.ts';
export { type ProofMemory, proofMemory } from './proof-memory.ts';
export { providerTokens } from './provider-tokens.ts';
export {
  byMethod,
  type MethodRules,
  type RouteRule,
  type Rule,
  readWrite,
  scopeByMethod,
} from './rules.ts';
export {
  SourceUnavailable,
  type TokenFacts,
  type TokenSource,
  tokenFacts,
} from './token-facts.ts';
