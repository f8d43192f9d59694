/** `valetkey resource …`: APIs that tokens are issued for (RFC 8707), for `resourceIndicators`. */
import { type Command, Option } from 'commander';
import {
  isSameResource,
  type RegisteredResource,
  type ResourceChanges,
  type ResourceDefinition,
  type SigningAlg,
} from 'valetkey';
import type { Assembly } from 'valetkey/server';
import { globals, withAssembly } from './command-context.ts';
import { collect, wholeNumber } from './options.ts';
import { say, table } from './output.ts';

/** The given options. */
interface ResourceOptions {
  readonly resource: string;
  readonly scope?: readonly string[];
  readonly tokenFormat?: 'opaque' | 'jwt';
  readonly tokenLifetime?: number;
  readonly tokenSigningAlg?: SigningAlg;
  readonly tokenEncryptionAlg?: string;
  readonly tokenEncryptionEnc?: string;
  readonly jwksUri?: string;
  readonly unset?: readonly string[];
}

/** Members that `--unset` takes away, by the option that sets them. */
const UNSET: Readonly<Record<string, keyof ResourceChanges>> = {
  scope: 'scopes',
  'token-format': 'tokenFormat',
  'token-lifetime': 'tokenLifetime',
  'token-signing-alg': 'tokenSigningAlg',
  'token-encryption': 'tokenEncryption',
};

/** Adds the command. */
export function resource(program: Command): void {
  const group = program.command('resource').description('APIs that tokens are issued for');
  described(group.command('create').description('register an API')).action(
    async (options: ResourceOptions, command: Command) => {
      await withAssembly(command, async (assembly) => {
        const { resources } = assembly.provider;
        await resources.create({ ...changesOf(options), resource: options.resource });
        await sayOne(assembly, command, options.resource);
      });
    },
  );
  described(group.command('update').description('change an API'))
    .option('--unset <option>', `take away: ${Object.keys(UNSET).join(', ')}`, collect)
    .action(async (options: ResourceOptions, command: Command) => {
      await withAssembly(command, async (assembly) => {
        const { resources } = assembly.provider;
        await resources.update(options.resource, { ...changesOf(options), ...unset(options) });
        await sayOne(assembly, command, options.resource);
      });
    });
  group
    .command('list')
    .description('list APIs')
    .action(async (_options: object, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        const all = await provider.resources.list();
        const rows = all.map((one) => [
          one.resource,
          one.tokenFormat ?? '',
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
    .description('take an API out of the registry: no more tokens are issued for it')
    .requiredOption('--resource <uri>', 'its identifier (required)')
    .action(async ({ resource: identifier }: ResourceOptions, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        if (!(await provider.resources.delete(identifier)))
          throw new Error(`The registry has no ${identifier}. See: valetkey resource list`);
        say(globals(command).json, { deleted: identifier }, `Deleted ${identifier}.`);
      });
    });
}

function described(command: Command): Command {
  return command
    .requiredOption('--resource <uri>', 'its identifier, as clients ask for it (required)')
    .option('--scope <scope>', 'scopes that its tokens may have; may be repeated', collect)
    .addOption(
      new Option('--token-format <format>', 'format of its tokens').choices(['opaque', 'jwt']),
    )
    .option('--token-lifetime <seconds>', 'seconds that its tokens live at most', wholeNumber(1))
    .option('--token-signing-alg <alg>', 'algorithm that signs its JWTs, such as ES256')
    .option('--token-encryption-alg <alg>', 'encrypt its JWTs to a key of it, such as ECDH-ES')
    .option('--token-encryption-enc <enc>', 'how its JWTs are encrypted')
    .option('--jwks-uri <uri>', 'where its public keys are, to encrypt to');
}

/** @throws Error for options that have no meaning alone */
function changesOf({
  scope,
  tokenFormat,
  tokenLifetime,
  tokenSigningAlg,
  tokenEncryptionAlg: alg,
  tokenEncryptionEnc: enc,
  jwksUri,
}: ResourceOptions): Omit<ResourceDefinition, 'resource'> {
  // Two of the three alone would be lost.
  if (alg === undefined && (enc !== undefined || jwksUri !== undefined))
    throw new Error('--token-encryption-enc and --jwks-uri need --token-encryption-alg.');
  const encryption = alg === undefined ? undefined : { alg, ...given({ enc, jwksUri }) };
  return given({
    scopes: scope,
    tokenFormat,
    tokenLifetime,
    tokenSigningAlg,
    tokenEncryption: encryption,
  });
}

function given(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** @throws Error for an option that `--unset` does not know */
function unset({ unset: names = [] }: ResourceOptions): ResourceChanges {
  const members = names.map((name) => {
    const member = Object.hasOwn(UNSET, name) ? UNSET[name] : undefined;
    if (member === undefined)
      throw new Error(`--unset ${name} is not known. It takes ${Object.keys(UNSET).join(', ')}.`);
    return [member, null] as const;
  });
  return Object.fromEntries(members);
}

async function sayOne({ provider }: Assembly, command: Command, identifier: string): Promise<void> {
  const all = await provider.resources.list();
  const one = all.find(({ resource: known }) => isSameResource(known, identifier));
  const off = provider.resources.isOn
    ? ''
    : '\n\nNothing asks for it yet: set resourceIndicators.enabled to true in the settings file, or VALETKEY_RESOURCE_INDICATORS_ENABLED=true for the server.';
  say(globals(command).json, one ?? {}, table(rowsOf(one)) + off);
}

function rowsOf(one: RegisteredResource | undefined): readonly (readonly string[])[] {
  if (one === undefined) return [];
  const { tokenEncryption: encryption } = one;
  const optional: readonly (readonly [string, unknown])[] = [
    ['Scopes', one.scopes?.join(' ') ?? 'any'],
    ['Token format', one.tokenFormat ?? 'as the application'],
    ['Tokens live', one.tokenLifetime === undefined ? undefined : `${one.tokenLifetime} s`],
    ['Signed by', one.tokenSigningAlg],
    ['Encrypted by', encryption?.alg],
    ['Keys', encryption?.jwksUri],
  ];
  const rows = optional.flatMap(([name, value]) => (value ? [[name, String(value)]] : []));
  return [['API', one.resource], ...rows];
}
