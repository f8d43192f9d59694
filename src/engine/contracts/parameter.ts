/**
 * The contract of an authorization parameter: its names, how it is read, and the typed value that
 * rules find in the request. Which parameters the core knows, in which order, is `parameters.ts`.
 */
import type { Settings } from '../../domain/settings.ts';
import type {
  AuthorizationRequest,
  ConsentItem,
  Destination,
  LoginDemand,
} from '../../protocol/authorization-request.ts';
import type { Params } from '../../protocol/params.ts';
import type { Client, Details } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** What a parameter may look at while it is read. */
export interface ParameterReading {
  /** The whole request, wherever it came from. */
  readonly params: Params;
  /** Where it came from: `front-channel`, or the name of a source. */
  readonly source: string;
  /** Whether the client signed the request. */
  readonly isSigned: boolean;
  /** The client that asks. */
  readonly client: Client;
  /** Where the answer goes. */
  readonly destination: Destination;
  /** Names of the artifacts that the response will have; none where a flow has no response. */
  readonly artifacts: readonly string[];
  /** Values that `prompt` may have. */
  readonly promptValues: readonly string[];
  /** What was read before, in the order of the table. */
  readonly request: AuthorizationRequest;
}

/** What a user allowed of a request. */
export interface AllowedRequest {
  /** Scopes that they left out. */
  readonly refusedScopes: readonly string[];
  /** The client that asked. */
  readonly client: Client;
  /** The settings of the provider. */
  readonly settings: Settings;
}

/** How a parameter is read. */
export interface ParameterDefinition<T> {
  /** Names of the parameters that make this value; the first one names the value. */
  readonly names: readonly string[];
  /** Sources it may stand in; elsewhere it is refused. @default everywhere */
  readonly onlyIn?: readonly string[];
  /** True when it may be repeated; its values contain no space. @default false */
  readonly repeatable?: boolean;
  /** The value in a request of another flow, which does not read this parameter. */
  readonly absent: T;
  /** Reads and checks it. @throws OAuthError to be sent to the destination */
  read(ctx: RequestContext, reading: ParameterReading): T | Promise<T>;
  /** What of it travels with a code to the tokens. @default nothing */
  details?(value: T, allowed: AllowedRequest): Details;
  /** Scopes that people have to allow for it, beside those of the request. @default none */
  consentScopes?(value: T, settings: Settings, client: Client): readonly string[];
  /** What people have to allow for it beside scopes, every time. @default nothing */
  consentItems?(value: T): readonly ConsentItem[];
  /** What it demands of the login. @default nothing */
  demand?(value: T, settings: Settings): LoginDemand | null;
}

/** A parameter. Called with a request it returns its value there. */
export interface AuthorizationParameter<T = unknown> {
  /** The value of the parameter in this request. */
  (request: Pick<AuthorizationRequest, 'values'>): T;
  /** What it was made from. */
  readonly definition: ParameterDefinition<T>;
}

/** What of a request travels with a code to the tokens. */
export function detailsOf(
  parameters: readonly AuthorizationParameter[],
  request: Pick<AuthorizationRequest, 'values' | 'refusedScopes'>,
  asker: Pick<AllowedRequest, 'client' | 'settings'>,
): Details {
  const { refusedScopes = [] } = request;
  const allowed = { ...asker, refusedScopes };
  const parts = parameters.map((one) => one.definition.details?.(one(request), allowed));
  return Object.assign({}, ...parts) as Details;
}

/** Makes a parameter from its definition. */
export function authorizationParameter<T>(
  definition: ParameterDefinition<T>,
): AuthorizationParameter<T> {
  const [name = ''] = definition.names;
  const valueIn = ({ values }: Pick<AuthorizationRequest, 'values'>): T =>
    Object.hasOwn(values, name) ? (values[name] as T) : definition.absent;
  return Object.assign(valueIn, { definition });
}
