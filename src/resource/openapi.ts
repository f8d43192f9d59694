/** Rules as OpenAPI documents have them (OpenAPI 3.1 §4.8.30): what a route asks of a token. */
import { ConfigError } from 'valetkey';
import { type Rule, readyRule } from './rules.ts';

/** Which rule becomes a security requirement. */
export interface RequirementOptions {
  /** Method in capitals, for rules by method. @default 'GET' */
  readonly method?: string;
  /** Name of the scheme in the components of the document. @default 'oauth2' */
  readonly scheme?: string;
  /** True adds that it works without a token as well (`signedIn`). @default false */
  readonly isOptional?: boolean;
}

/** One alternative: a scheme, with all scopes that it needs. */
export type SecurityRequirement = Readonly<Record<string, readonly string[]>>;

/**
 * The `security` of an operation: one of these suffices.
 * @throws ConfigError when the rule is wrong, or refuses the method
 */
export function securityRequirements(
  rule: Rule,
  { method = 'GET', scheme = 'oauth2', isOptional = false }: RequirementOptions = {},
): readonly SecurityRequirement[] {
  const ready = readyRule(rule)(method);
  if (ready === null)
    throw new ConfigError([
      {
        option: `rule.methods.${method}`,
        problem: 'is missing, so the method is refused.',
        remedy: 'Add a rule for it, or leave the operation out of the document.',
      },
    ]);
  const needed = ready.alternatives.map((scopes) => ({ [scheme]: scopes }));
  return isOptional ? [...needed, {}] : needed;
}

/** Where clients get tokens. */
export interface SecuritySchemeOptions {
  /** Issuer of the tokens. */
  readonly issuer: string;
  /** Authorization endpoint, for documents that name the flow. */
  readonly authorizationUrl?: string;
  /** Token endpoint, for documents that name the flow. */
  readonly tokenUrl?: string;
  /** Scopes and what they mean, for documents that name the flow. @default {} */
  readonly scopes?: Readonly<Record<string, string>>;
}

/** A security scheme of an OpenAPI document. */
export type SecurityScheme = DiscoveredScheme | FlowScheme;

/** A scheme that names the discovery document. */
export interface DiscoveredScheme {
  /** OpenAPI's name of this kind. */
  readonly type: 'openIdConnect';
  /** Address of the discovery document. */
  readonly openIdConnectUrl: string;
}

/** A scheme that names the flow. */
export interface FlowScheme {
  /** OpenAPI's name of this kind. */
  readonly type: 'oauth2';
  /** The flows. */
  readonly flows: Readonly<Record<'authorizationCode', AuthorizationCodeFlow>>;
}

/** The authorization code flow in an OpenAPI document. */
export interface AuthorizationCodeFlow {
  /** Authorization endpoint. */
  readonly authorizationUrl: string;
  /** Token endpoint. */
  readonly tokenUrl: string;
  /** Scopes and what they mean. */
  readonly scopes: Readonly<Record<string, string>>;
}

/**
 * The scheme to which `securityRequirements` refer: the flow where its two addresses are named, and
 * the discovery document of the issuer otherwise.
 */
export function securityScheme({
  issuer,
  authorizationUrl,
  tokenUrl,
  scopes = {},
}: SecuritySchemeOptions): SecurityScheme {
  if (authorizationUrl !== undefined && tokenUrl !== undefined)
    return { type: 'oauth2', flows: { authorizationCode: { authorizationUrl, tokenUrl, scopes } } };
  const openIdConnectUrl = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  return { type: 'openIdConnect', openIdConnectUrl };
}
