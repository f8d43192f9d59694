/**
 * `valetkey application …`: manages registered clients. The core decides which metadata a client
 * may have.
 */
import { type Command, Option } from 'commander';
import {
  CLIENT_FIELDS,
  CLIENT_KINDS,
  type Client,
  type ClientKind,
  type ClientUses,
  type FeatureField,
  isPublic,
  metadataOfKind,
} from 'valetkey';
import type { AnyFeature, Assembly } from 'valetkey/server';
import { type MetadataOptions, metadataOf, metadataOptions } from './application-options.ts';
import { globals, withAssembly } from './command-context.ts';
import { wholeNumber } from './options.ts';
import { say, table, time } from './output.ts';

const EXAMPLES = `
Examples:
  A web server that signs people in:
    npx valetkey application create --kind web --name "My app" --redirect-uri https://app.example/callback
  A browser application, which may call this server from the origin of its redirect URI:
    npx valetkey application create --kind spa --name "My app" --redirect-uri https://app.example/callback
  A desktop or phone application:
    npx valetkey application create --kind native --name "My app" --redirect-uri http://127.0.0.1/callback
  A service that acts for itself, and an API that checks tokens:
    npx valetkey application create --kind service --name "Nightly job" --scope read
    npx valetkey application create --kind resource-server --name "My API"`;

const SOURCES: Readonly<Record<Client['registrationSource'], string>> = {
  manual: 'an operator, or the host',
  configuration: 'the configuration, which manages it',
  dynamic: 'itself, with an initial access token',
  open: 'itself, without a token: nobody vouches for it',
  metadata_document: 'nobody: the document at its client_id describes it',
};

type Clients = Parameters<Parameters<typeof withAssembly>[1]>[0]['provider']['clients'];

/**
 * Adds the command.
 * @param features the features in force, which can add fields to clients
 */
export function application(program: Command, features: readonly AnyFeature[]): void {
  const fields = features.flatMap((factory) => fieldsOf(factory));
  const group = program
    .command('application')
    .description('manage registered applications (clients)');
  create(group, fields);
  list(group, fields);
  one(group, 'show', 'show the metadata of an application').action(
    async ({ clientId }: { readonly clientId: string }, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        const client = await required(provider.clients.find(clientId), clientId);
        const { more, rows } = usesOf(client, await provider.clients.uses(clientId));
        tell(command, fields, client, more, [], rows);
      });
    },
  );
  update(group, fields);
  switchTo(
    group,
    'disable',
    'disable an application; its tokens do not work until it is enabled again',
    true,
  );
  switchTo(group, 'enable', 'enable an application', false);
  one(group, 'delete', 'delete an application and everything issued to it').action(
    async ({ clientId }: { readonly clientId: string }, command: Command) => {
      await withAssembly(command, async (assembly) => {
        const { provider } = assembly;
        refuseManaged(assembly, clientId);
        if (!(await provider.clients.delete(clientId))) throw unknown(clientId);
        say(globals(command).json, { deleted: clientId }, `Deleted ${clientId}.`);
      });
    },
  );
  rotateSecret(group);
}

/** The fields that a feature adds to clients. Reading them starts nothing. */
function fieldsOf(factory: AnyFeature): readonly FeatureField[] {
  return (factory().contribute().clientFields ?? []).map(({ definition }) => definition);
}

function create(group: Command, fields: readonly FeatureField[]): void {
  metadataOptions(
    group
      .command('create')
      .description('register an application; prints its client_id and, only this once, its secret')
      .argument('[client-type]', 'confidential or public, instead of --client-type')
      .argument(
        '[grant-type]',
        'such as authorization-code (with refresh tokens) or client-credentials, instead of --grant-type',
      )
      .requiredOption('--name <text>', 'name that people see (required)')
      .addOption(
        new Option(
          '--kind <kind>',
          'what it is; other options take the place of its values',
        ).choices(CLIENT_KINDS),
      ),
    fields,
  )
    .addHelpText('after', EXAMPLES)
    .option('--client-id <text>', 'client_id (default: random)')
    .option('--client-secret <text>', 'client_secret, at least 32 characters (default: random)')
    .action(
      async (
        clientType: string | undefined,
        grantType: string | undefined,
        options: MetadataOptions,
        command: Command,
      ) => {
        const positional = {
          ...(clientType === undefined ? {} : { clientType }),
          ...(grantType === undefined ? {} : { grantType: [grantType] }),
        };
        const given = { name: '', ...metadataOf({ ...positional, ...options }, fields) };
        const { clientId, clientSecret: secret, kind } = options;
        const metadata = kind === undefined ? given : metadataOfKind(kind as ClientKind, given);
        const chosen = {
          ...(typeof clientId === 'string' ? { clientId } : {}),
          ...(typeof secret === 'string' ? { clientSecret: secret } : {}),
        };
        await withAssembly(command, async ({ provider }) => {
          const { client, clientSecret } = await provider.clients.create(metadata, chosen);
          const more = clientSecret === null ? {} : { client_secret: clientSecret };
          const rows = clientSecret === null ? [] : [['Client secret', clientSecret]];
          tell(command, fields, client, more, rows);
        });
      },
    );
}

function list(group: Command, fields: readonly FeatureField[]): void {
  group
    .command('list')
    .description('list applications')
    .option('--after <client-id>', 'start after this application')
    .option('--limit <number>', 'maximum number of applications', wholeNumber(1, 10_000), 100)
    .action(
      async (options: { readonly after?: string; readonly limit: number }, command: Command) => {
        await withAssembly(command, async ({ provider }) => {
          const found = await provider.clients.list(options);
          const rows = found.map((client) => [
            client.clientId,
            client.name,
            typeOf(client),
            client.disabledAt === null ? 'enabled' : 'disabled',
            client.grantTypes.join(' '),
          ]);
          const more =
            found.length === options.limit
              ? `\n\nThere may be more. Continue with --after ${found.at(-1)?.clientId}`
              : '';
          const text =
            table([['CLIENT ID', 'NAME', 'TYPE', 'STATE', 'GRANT TYPES'], ...rows]) + more;
          say(
            globals(command).json,
            { applications: found.map((client) => described(client, fields)) },
            text,
          );
        });
      },
    );
}

function update(group: Command, fields: readonly FeatureField[]): void {
  metadataOptions(
    one(group, 'update', 'change an application; options that are not given stay unchanged').option(
      '--name <text>',
      'name that people see',
    ),
    fields,
  ).action(async (options: MetadataOptions & { readonly clientId: string }, command: Command) => {
    const { clientId } = options;
    const changes = metadataOf(options, fields);
    if (Object.keys(changes).length === 0) throw new Error('No change was given. See --help.');
    await withAssembly(command, async (assembly) => {
      const { provider } = assembly;
      refuseManaged(assembly, clientId);
      tell(command, fields, await required(provider.clients.update(clientId, changes), clientId));
    });
  });
}

function switchTo(group: Command, name: string, about: string, disabled: boolean): void {
  one(group, name, about).action(
    async ({ clientId }: { readonly clientId: string }, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        await required(provider.clients.update(clientId, { disabled }), clientId);
        say(
          globals(command).json,
          { client_id: clientId, disabled },
          `${clientId} is ${disabled ? 'disabled' : 'enabled'}.`,
        );
      });
    },
  );
}

function rotateSecret(group: Command): void {
  one(group, 'rotate-secret', 'create a new secret; the old one stays valid for a while')
    .option('--overlap <seconds>', 'how long the old secret stays valid', wholeNumber(0), 86_400)
    .action(
      async (
        { clientId, overlap }: { readonly clientId: string; readonly overlap: number },
        command: Command,
      ) => {
        await withAssembly(command, async (assembly) => {
          const { provider } = assembly;
          refuseManaged(assembly, clientId);
          const rotated = await provider.clients.rotateSecret(clientId, overlap);
          if (rotated === null)
            throw new Error(`There is no confidential application ${clientId}.`);
          const { client, clientSecret } = rotated;
          const ends = client.secrets.flatMap(({ expiresAt }) => expiresAt ?? []);
          const last = ends.length === 0 ? null : Math.max(...ends);
          const rows = [
            ['Client ID', clientId],
            ['New secret', clientSecret ?? ''],
            ['Earlier secrets', last === null ? 'have ended' : `work until ${time(last, true)}`],
          ];
          say(
            globals(command).json,
            { client_id: clientId, client_secret: clientSecret, earlier_secrets_end: last },
            table(rows),
          );
        });
      },
    );
}

function one(group: Command, name: string, about: string): Command {
  return group
    .command(name)
    .description(about)
    .requiredOption('--client-id <text>', 'client_id of the application (required)');
}

async function required(finding: ReturnType<Clients['find']>, clientId: string): Promise<Client> {
  const client = await finding;
  if (client === null) throw unknown(clientId);
  return client;
}

/** The next start would undo the change. */
function refuseManaged({ settings }: Assembly, clientId: string): void {
  const listed = (settings['clients'] ?? []) as readonly { readonly clientId?: unknown }[];
  if (!listed.some((client) => client.clientId === clientId)) return;
  throw new Error(
    `${clientId} is managed: the settings file lists it under clients. Change it there, and restart.`,
  );
}

function unknown(clientId: string): Error {
  return new Error(`There is no application ${clientId}. See: valetkey application list`);
}

function typeOf(client: Client): 'public' | 'confidential' {
  return isPublic(client) ? 'public' : 'confidential';
}

function methodName({ tokenEndpointAuthMethod: method }: Client): string {
  return method === 'client_secret' ? 'client_secret_basic or client_secret_post' : method;
}

/** What was set for this client alone: its lifetimes, and fields of features. */
function ownRows(client: Client, fields: readonly FeatureField[]): readonly (readonly string[])[] {
  const seconds = (name: string, value: number | null): readonly (readonly string[])[] =>
    value === null ? [] : [[name, `${value} s`]];
  const { rotateRefreshTokens: rotates } = client;
  return [
    ...seconds('Codes live', client.codeLifetime),
    ...seconds('Access tokens live', client.accessTokenLifetime),
    ...seconds('ID tokens live', client.idTokenLifetime),
    ...seconds('Refresh tokens, unused', client.refreshTokenIdleLifetime),
    ...seconds('Refresh tokens, in all', client.refreshTokenAbsoluteLifetime),
    ...(rotates === null
      ? []
      : [['Refresh tokens', rotates || isPublic(client) ? 'rotate' : 'do not rotate']]),
    ...fields
      .filter((field) => fieldOf(client, field) !== field.default)
      .map((field) => [field.wireName, String(fieldOf(client, field))]),
    ...(client.registrationToken === null ? [] : [['Manages itself', 'yes (RFC 7592)']]),
  ];
}

/** A client under the names of RFC 7591 §2, without its secrets. */
function described(client: Client, fields: readonly FeatureField[]): object {
  const values = { ...client, clientType: typeOf(client) };
  const core = Object.entries(CLIENT_FIELDS).map(([member, { wireName }]) => [
    wireName,
    values[member as keyof typeof CLIENT_FIELDS],
  ]);
  return {
    client_id: client.clientId,
    ...Object.fromEntries(core),
    // RFC 7591 §2: scope is one string with spaces between the values.
    scope: client.scopes === null ? null : client.scopes.join(' '),
    ...Object.fromEntries(fields.map((field) => [field.wireName, fieldOf(client, field)])),
    disabled: client.disabledAt !== null,
    registered_by: client.registrationSource,
  };
}

function fieldOf({ fields }: Client, { wireName, default: otherwise }: FeatureField): unknown {
  return Object.hasOwn(fields, wireName) ? fields[wireName] : otherwise;
}

/** When a client and its secrets were last used, to the hour, and when it ends without use. */
function usesOf(
  { secrets, expiresAt = null }: Client,
  uses: ClientUses,
): { readonly more: object; readonly rows: readonly (readonly string[])[] } {
  const used = (at: number | null): string => (at === null ? 'never' : time(at));
  const ofSecret = secrets.map(({ id, createdAt, expiresAt: end }) => ({
    id,
    created: createdAt,
    ends: end,
    last_used: uses.secrets[id] ?? null,
  }));
  const rows = [
    ['Last used', used(uses.at)],
    ...ofSecret.map(({ id, created, ends, last_used: at }) => [
      `Secret ${id}`,
      `of ${time(created)}, last used ${used(at)}${ends === null ? '' : `, ends ${time(ends)}`}`,
    ]),
    ...(expiresAt === null ? [] : [['Ends', `${time(expiresAt)}, unless it is used before`]]),
  ];
  return { more: { last_used: uses.at, secrets: ofSecret, ends: expiresAt }, rows };
}

function tell(
  command: Command,
  fields: readonly FeatureField[],
  client: Client,
  more: object = {},
  rows: readonly (readonly string[])[] = [],
  last: readonly (readonly string[])[] = [],
): void {
  const said = (values: readonly string[] | null): string =>
    values === null ? 'all' : values.length === 0 ? 'none' : values.join(' ');
  const text = table([
    ['Client ID', client.clientId],
    ...rows,
    ['Name', client.name],
    ['Type', `${typeOf(client)}, ${client.applicationType}`],
    ['Authentication', methodName(client)],
    ['Grant types', said(client.grantTypes)],
    ['Redirect URIs', said(client.redirectUris)],
    ['After logout', said(client.postLogoutRedirectUris)],
    ['Origins', said(client.allowedOrigins)],
    ['Scopes', said(client.scopes)],
    [
      'Default scopes',
      client.defaultScopes === null ? 'of the server' : said(client.defaultScopes),
    ],
    [
      'ID tokens',
      `${client.idTokenSignedResponseAlg}, ${client.idTokenClaims ? 'with' : 'without'} the claims of scopes`,
    ],
    ['Consent', consentOf(client)],
    ['State', client.disabledAt === null ? 'enabled' : 'disabled'],
    ['Registered by', SOURCES[client.registrationSource]],
    ...ownRows(client, fields),
    ...last,
  ]);
  say(globals(command).json, { ...described(client, fields), ...more }, text);
}

function consentOf({ skipConsent, partialConsent }: Client): string {
  if (skipConsent) return 'not required';
  return partialConsent ? 'required, single scopes can be refused' : 'required';
}
