/**
 * What features bring to the pipelines that answer requests: one line for each kind of
 * contribution. `assemble.ts` collects them once per provider; endpoints and flows find them in
 * their context.
 */
import { PROMPTS } from '../../protocol/names.ts';
import type { AccessTokenFormat } from './access-token-format.ts';
import type { ClientAuthenticationMethod } from './client-authentication.ts';
import type { ClientSource } from './client-source.ts';
import type { Grant } from './grant.ts';
import type { AuthorizationParameter } from './parameter.ts';
import type { ParameterSource } from './parameter-source.ts';
import type { Artifact, ResponseAddition, ResponseMode, ResponseType } from './response-type.ts';
import type { SessionListener } from './session-listener.ts';
import type { Step } from './step.ts';
import type { SubjectIdentifier } from './subject-identifier.ts';
import type { TokenConstraint } from './token-constraint.ts';
import type { TokenParameter } from './token-parameter.ts';

/** Everything that answers requests, those of the core first. */
export interface Engine {
  /** Grant types of the token endpoint. */
  readonly grants: readonly Grant[];
  /** Methods by which clients prove themselves. */
  readonly clientAuthenticationMethods: readonly ClientAuthenticationMethod[];
  /** In the order in which they are read. */
  readonly parameters: readonly AuthorizationParameter[];
  /** Other places where the parameters of a request come from. */
  readonly parameterSources: readonly ParameterSource[];
  /** Parts that responses are made of. */
  readonly artifacts: readonly Artifact[];
  /** Values of `response_type`. */
  readonly responseTypes: readonly ResponseType[];
  /** What is added to every successful response. */
  readonly responseAdditions: readonly ResponseAddition[];
  /** Values of `response_mode`. */
  readonly responseModes: readonly ResponseMode[];
  /** In the order in which they are due. */
  readonly steps: readonly Step[];
  /** How access tokens look that are no random texts. */
  readonly accessTokenFormats: readonly AccessTokenFormat[];
  /** Ways to bind tokens to a key of their client. */
  readonly tokenConstraints: readonly TokenConstraint[];
  /** Where clients are described that nobody registered. */
  readonly clientSources: readonly ClientSource[];
  /** Parameters of token requests that hold for every grant. */
  readonly tokenParameters: readonly TokenParameter[];
  /** What identifies people to clients, where it is not the subject itself. */
  readonly subjectIdentifiers: readonly SubjectIdentifier[];
  /** Ways to tell clients that a session ended. */
  readonly sessionListeners: readonly SessionListener[];
}

/** The name of each kind, for what is told of one that comes twice. */
export const ENGINE_KINDS: { readonly [Kind in keyof Engine]: string } = {
  grants: 'the grant type',
  clientAuthenticationMethods: 'the client authentication method',
  parameters: 'the parameter',
  parameterSources: 'the parameter source',
  artifacts: 'the artifact',
  responseTypes: 'the response type',
  responseAdditions: 'the addition to responses',
  responseModes: 'the response mode',
  steps: 'the step',
  accessTokenFormats: 'the access token format',
  tokenConstraints: 'the token constraint',
  clientSources: 'the client source',
  tokenParameters: 'the token parameter',
  subjectIdentifiers: 'the subject identifier',
  sessionListeners: 'the session listener',
};

/** What has a name of its own, and what is named by a member of its own. */
export type Named =
  | { readonly name: string }
  | { readonly type: string }
  | { readonly definition: { readonly names: readonly string[] } };

/** The name of a contribution: how requests and other features refer to it. */
export function nameOf(thing: Named): string {
  if ('type' in thing) return thing.type;
  // A parameter is a function, which has a name that says nothing.
  if ('definition' in thing) return thing.definition.names[0] ?? '';
  return thing.name;
}

/** Grant types that clients can be registered for: those of the token endpoint, and others. */
export function grantTypesOf({ grants, responseTypes }: Engine): readonly string[] {
  const others = responseTypes.flatMap(({ grantTypes = [] }) => grantTypes);
  return [...new Set([...grants.map(nameOf), ...others])];
}

/** Values of `prompt`: those of the core, and those that steps bring. */
export function promptValuesOf({ steps }: Engine): readonly string[] {
  return [...PROMPTS, ...steps.flatMap(({ prompt = [] }) => prompt)];
}

/** The one of a name; null when there is none. */
export function named<T extends Named>(things: readonly T[], name: string): T | null {
  return things.find((thing) => nameOf(thing) === name) ?? null;
}
