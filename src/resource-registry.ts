/** APIs that operators register, beside those of the configuration: what can be done about them. */
import { sha256 } from './crypto/bytes.ts';
import type { Context } from './domain/context.ts';
import { resourceCreated, resourceDeleted, resourceUpdated } from './domain/event-definitions.ts';
import {
  isResourceUri,
  type RegisteredResource,
  type ResourceDefinition,
} from './domain/resources.ts';
import { checkFit } from './engine/access-token-rules.ts';
import { type Engine, named } from './engine/contracts/engine.ts';
import { problemList } from './engine/contracts/options.ts';
import { checkResources } from './engine/resource-fields.ts';
import { ConfigError } from './protocol/errors.ts';
import { inOneSpelling } from './protocol/resource-identifier.ts';
import type { StoredResource } from './store/resources.ts';

/** What may change of an API; null takes a member away. */
export type ResourceChanges = {
  readonly [Member in Exclude<keyof ResourceDefinition, 'resource'>]?:
    | ResourceDefinition[Member]
    | null;
};

/** What can be done about registered APIs. */
export interface ResourceAdmin {
  /** False where nothing asks for them: `resourceIndicators` is off. */
  readonly isOn: boolean;
  /** Those of the configuration and those of the registry. */
  list(): Promise<readonly RegisteredResource[]>;
  /**
   * Registers an API. Other nodes know it within a second of its first request.
   * @returns the API as it is registered
   * @throws ConfigError that lists everything wrong with it, or when there is one of its identifier
   */
  create(definition: ResourceDefinition): Promise<RegisteredResource>;
  /**
   * Changes an API of the registry. Other nodes go by it after `clientCacheSeconds`, at most.
   * @returns the API as it is now
   * @throws ConfigError that lists everything wrong with it, or when there is none, or the
   * configuration lists it
   */
  update(identifier: string, changes: ResourceChanges): Promise<RegisteredResource>;
  /** Takes an API out of the registry. False when there is none. */
  delete(identifier: string): Promise<boolean>;
}

/** APIs that are read with a request: more are no registry of APIs. */
const MOST = 1000;
const MOST_ATTEMPTS = 5;

export function resourceAdminOf(ctx: Context, engine: Engine): ResourceAdmin {
  const { resources: store } = ctx.store;
  const listed = async (identifier: string): Promise<RegisteredResource | undefined> =>
    (await ctx.resources.all()).find(
      (one) => inOneSpelling(one.resource) === inOneSpelling(identifier),
    );
  return {
    isOn: named(engine.tokenParameters, 'resource') !== null,
    list: async () => await ctx.resources.all(),
    async create(definition) {
      check(ctx, engine, definition);
      const { resource } = definition;
      const all = await ctx.resources.all();
      if (all.length >= MOST) throw wrong(resource, `is one too many (${MOST}).`, 'Delete others.');
      if ((await listed(resource)) !== undefined)
        throw wrong(resource, 'is registered already.', 'Update that one.');
      const now = ctx.now();
      const times = { version: 1, createdAt: now, updatedAt: now };
      const record = { digest: digestOf(resource), definition: written(definition), ...times };
      const isNew = await ctx.events.act(
        resourceCreated,
        { detail: { resource } },
        async (row) => await store.insert(record, row),
      );
      ctx.resources.forget();
      if (!isNew) throw wrong(resource, 'is registered already.', 'Update that one.');
      return registered(record);
    },
    async update(identifier, changes) {
      for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
        const before = await requireStored(ctx, identifier, await listed(identifier));
        const definition = merged(JSON.parse(before.definition) as ResourceDefinition, changes);
        check(ctx, engine, definition);
        const { resource } = definition;
        const changed = Object.keys(changes).sort().join(' ');
        const record: StoredResource = {
          ...before,
          definition: written(definition),
          version: before.version + 1,
          updatedAt: ctx.now(),
        };
        const isChanged = await ctx.events.act(
          resourceUpdated,
          { detail: { resource, changed } },
          async (row) => await store.replace(record, row),
        );
        ctx.resources.forget();
        if (isChanged) return registered(record);
      }
      throw new Error('The registered API kept changing.');
    },
    async delete(identifier) {
      if (!isResourceUri(identifier)) return false;
      const known = await listed(identifier);
      if (known?.source !== 'registry') return false;
      const deleted = await ctx.events.act(
        resourceDeleted,
        { detail: { resource: known.resource } },
        async (row) => await store.delete(digestOf(identifier), row),
      );
      ctx.resources.forget();
      return deleted;
    },
  };
}

function digestOf(identifier: string): string {
  return sha256(inOneSpelling(identifier));
}

function written(definition: ResourceDefinition): string {
  return JSON.stringify(definition);
}

function registered({ definition }: StoredResource): RegisteredResource {
  return { ...(JSON.parse(definition) as ResourceDefinition), source: 'registry' };
}

function merged(before: ResourceDefinition, changes: ResourceChanges): ResourceDefinition {
  const all = Object.entries({ ...before, ...changes });
  return Object.fromEntries(
    all.filter(([, value]) => value != null),
  ) as unknown as ResourceDefinition;
}

/** @throws ConfigError that lists every problem */
function check({ settings }: Context, engine: Engine, definition: ResourceDefinition): void {
  const { problems, refuse } = problemList();
  checkResources([definition], 'resource', refuse);
  if (problems.length === 0) checkFit([definition], engine, settings, refuse);
  if (problems.length > 0) throw new ConfigError(problems);
}

async function requireStored(
  ctx: Context,
  identifier: string,
  known: RegisteredResource | undefined,
): Promise<StoredResource> {
  if (known?.source === 'configuration')
    throw wrong(identifier, 'is one of the configuration.', 'Change it there.');
  const all = await ctx.store.resources.list();
  const found = all.find(({ digest }) => digest === digestOf(identifier));
  if (found === undefined) throw wrong(identifier, 'is not registered.', 'Create it first.');
  return found;
}

function wrong(option: string, problem: string, remedy: string): ConfigError {
  return new ConfigError([{ option, problem, remedy }]);
}
