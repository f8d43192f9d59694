/** `valetkey resource …`: APIs that tokens are issued for (RFC 8707), for `resourceIndicators`. */
import type { Command } from 'commander';
import type { RegisteredResource } from 'valetkey';
import type { Assembly } from 'valetkey/server';
import { globals, withAssembly } from './command-context.ts';
import { say, table } from './output.ts';
import {
  fieldsIn,
  type GivenFields,
  rowsOf,
  unsetIn,
  withFields,
  withUnset,
} from './resource-options.ts';

/** The given options. */
interface ResourceOptions extends GivenFields {
  readonly resource: string;
  readonly unset?: readonly string[];
}

/** Adds the command. */
export function resource(program: Command): void {
  const group = program.command('resource').description('APIs that tokens are issued for');
  const named = (command: Command): Command =>
    command.requiredOption('--resource <uri>', 'its identifier, as clients ask for it (required)');
  withFields(named(group.command('create').description('register an API'))).action(
    async (options: ResourceOptions, command: Command) => {
      await withAssembly(command, async (assembly) => {
        const definition = { ...fieldsIn(options), resource: options.resource };
        sayOne(assembly, command, await assembly.provider.resources.create(definition));
      });
    },
  );
  withUnset(withFields(named(group.command('update').description('change an API')))).action(
    async ({ unset = [], ...options }: ResourceOptions, command: Command) => {
      await withAssembly(command, async (assembly) => {
        const [set, taken] = [fieldsIn(options), unsetIn(unset)];
        const twice = Object.keys(set).find((member) => Object.hasOwn(taken, member));
        if (twice !== undefined) throw new Error(`${twice} is given, and taken away by --unset.`);
        const changes = { ...set, ...taken };
        if (Object.keys(changes).length === 0)
          throw new Error('Nothing would change: name a field.');
        const { resources } = assembly.provider;
        sayOne(assembly, command, await resources.update(options.resource, changes));
      });
    },
  );
  group
    .command('list')
    .description('list APIs')
    .action(async (_options: object, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        const all = await provider.resources.list();
        const rows = all.map((one) => [
          one.resource,
          one.tokenFormat ?? 'as the application',
          one.scopes?.join(' ') ?? 'any',
          one.source,
        ]);
        const text = table([['API', 'TOKENS', 'SCOPES', 'REGISTERED IN'], ...rows]);
        const none = 'No APIs are registered.';
        say(globals(command).json, { resources: all }, rows.length === 0 ? none : text);
      });
    });
  group
    .command('delete')
    .description(
      'take an API out of the registry; running servers stop within clientCacheSeconds (30)',
    )
    .requiredOption('--resource <uri>', 'its identifier (required)')
    .action(async ({ resource: identifier }: ResourceOptions, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        if (!(await provider.resources.delete(identifier)))
          throw new Error(`The registry has no ${identifier}. See: valetkey resource list`);
        say(globals(command).json, { deleted: identifier }, `Deleted ${identifier}.`);
      });
    });
}

function sayOne({ provider }: Assembly, command: Command, one: RegisteredResource): void {
  const off = provider.resources.isOn
    ? ''
    : '\n\nTokens for APIs are off by the settings of this command. The server needs VALETKEY_RESOURCE_INDICATORS_ENABLED=true, or VALETKEY_MCP=true.';
  say(globals(command).json, one, table(rowsOf(one)) + off);
}
