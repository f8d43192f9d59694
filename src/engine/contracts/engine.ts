/**
 * What all features together bring to the pipelines. `assemble.ts` makes it once per provider;
 * endpoints and flows find it in their context. Endpoints and flows are not in it: they use it.
 */
import type { ClientAuthenticationMethod } from './client-authentication.ts';
import type { Grant } from './grant.ts';
import type { AuthorizationParameter } from './parameter.ts';
import type { ParameterSource } from './parameter-source.ts';
import type { Artifact, ResponseMode, ResponseType } from './response-type.ts';
import type { Step } from './step.ts';

/** Everything that answers requests, in the order in which it is asked. */
export interface Engine {
  /** By `grant_type`. */
  readonly grants: ReadonlyMap<string, Grant>;
  readonly clientAuthenticationMethods: readonly ClientAuthenticationMethod[];
  /** Those of the core first. */
  readonly parameters: readonly AuthorizationParameter[];
  readonly parameterSources: readonly ParameterSource[];
  /** By their word in `response_type`. */
  readonly artifacts: ReadonlyMap<string, Artifact>;
  /** By `response_type`. */
  readonly responseTypes: ReadonlyMap<string, ResponseType>;
  /** By `response_mode`. */
  readonly responseModes: ReadonlyMap<string, ResponseMode>;
  /** In the order in which they are due. */
  readonly steps: readonly Step[];
}
