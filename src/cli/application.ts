/** `valetkey application …`: registered clients. What a client may be registered as is decided in the core, wherever it comes from. */
import type { Command } from 'commander';
import type { Client, ClientMetadata } from 'valetkey';
import { type MetadataOptions, metadataOf, metadataOptions } from './application-options.ts';
import { wholeNumber } from './options.ts';
import { say, table } from './output.ts';
import { globals, withAssembly } from './workshop.ts';

type Clients = Parameters<Parameters<typeof withAssembly>[1]>[0]['provider']['clients'];

interface CreateOptions extends MetadataOptions {
  readonly clientId?: string;
  readonly clientSecret?: string;
}

export function application(program: Command): void {
  const group = program.command('application').description('registered applications (clients)');
  create(group);
  list(group);
  one(group, 'show', 'show everything about an application').action(
    async ({ clientId }: { readonly clientId: string }, command: Command) => {
      await withAssembly(command, async ({ provider }) =>
        tell(command, await required(provider.clients.find(clientId), clientId)),
      );
    },
  );
  update(group);
  switchTo(
    group,
    'disable',
    'switch an application off; nothing issued to it works until it is on again',
    true,
  );
  switchTo(group, 'enable', 'switch an application on', false);
  one(group, 'delete', 'delete an application with everything issued to it').action(
    async ({ clientId }: { readonly clientId: string }, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        if (!(await provider.clients.delete(clientId))) throw unknown(clientId);
        say(globals(command).json, { deleted: clientId }, `Deleted ${clientId}.`);
      });
    },
  );
  rotateSecret(group);
}

function create(group: Command): void {
  metadataOptions(
    group
      .command('create')
      .description('register an application; prints its id and, once, its secret')
      .argument('[client-type]', 'confidential or public, instead of --client-type')
      .argument(
        '[grant-type]',
        'like authorization-code (with refresh tokens) or client-credentials, instead of --grant-type',
      )
      .requiredOption('--name <text>', 'as people see it (required)'),
  )
    .option('--client-id <text>', 'default: random')
    .option('--client-secret <text>', 'at least 32 characters; default: made')
    .action(
      async (
        clientType: string | undefined,
        grantType: string | undefined,
        options: CreateOptions,
        command: Command,
      ) => {
        const positional = {
          ...(clientType === undefined ? {} : { clientType }),
          ...(grantType === undefined ? {} : { grantType: [grantType] }),
        };
        const metadata = { name: '', ...metadataOf({ ...positional, ...options }) };
        const chosen = {
          ...(options.clientId === undefined ? {} : { clientId: options.clientId }),
          ...(options.clientSecret === undefined ? {} : { clientSecret: options.clientSecret }),
        };
        await withAssembly(command, async ({ provider }) => {
          const { client, clientSecret } = await provider.clients.create(metadata, chosen);
          const secret = clientSecret === null ? {} : { client_secret: clientSecret };
          tell(
            command,
            client,
            secret,
            clientSecret === null ? [] : [['Client secret', clientSecret]],
          );
        });
      },
    );
}

function list(group: Command): void {
  group
    .command('list')
    .description('list applications')
    .option('--after <client-id>', 'begin after this one')
    .option('--limit <number>', 'at most so many', wholeNumber(1, 10_000), 100)
    .action(
      async (options: { readonly after?: string; readonly limit: number }, command: Command) => {
        await withAssembly(command, async ({ provider }) => {
          const found = await provider.clients.list(options);
          const rows = found.map((client) => [
            client.clientId,
            client.name,
            client.clientType,
            client.disabledAt === null ? 'enabled' : 'disabled',
            client.grantTypes.join(' '),
          ]);
          const more =
            found.length === options.limit
              ? `\n\nThere may be more: --after ${found.at(-1)?.clientId}`
              : '';
          const text =
            table([['CLIENT ID', 'NAME', 'TYPE', 'STATE', 'GRANT TYPES'], ...rows]) + more;
          say(globals(command).json, { applications: found.map(described) }, text);
        });
      },
    );
}

function update(group: Command): void {
  metadataOptions(
    one(group, 'update', 'change an application; what is not named stays').option(
      '--name <text>',
      'as people see it',
    ),
  ).action(async (options: MetadataOptions & { readonly clientId: string }, command: Command) => {
    const changes: Partial<ClientMetadata> = metadataOf(options);
    if (Object.keys(changes).length === 0) throw new Error('Name what to change. See --help.');
    await withAssembly(command, async ({ provider }) => {
      tell(
        command,
        await required(provider.clients.update(options.clientId, changes), options.clientId),
      );
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
  one(group, 'rotate-secret', 'make a new secret; the old one works on for a while')
    .option('--overlap <seconds>', 'how long the old one works on', wholeNumber(0), 86_400)
    .action(
      async (
        { clientId, overlap }: { readonly clientId: string; readonly overlap: number },
        command: Command,
      ) => {
        await withAssembly(command, async ({ provider }) => {
          const rotated = await provider.clients.rotateSecret(clientId, overlap);
          if (rotated === null)
            throw new Error(`There is no confidential application ${clientId}.`);
          const { clientSecret } = rotated;
          const rows = [
            ['Client ID', clientId],
            ['New secret', clientSecret ?? ''],
          ];
          say(
            globals(command).json,
            { client_id: clientId, client_secret: clientSecret },
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
    .requiredOption('--client-id <text>', 'which (required)');
}

async function required(finding: ReturnType<Clients['find']>, clientId: string): Promise<Client> {
  const client = await finding;
  if (client === null) throw unknown(clientId);
  return client;
}

function unknown(clientId: string): Error {
  return new Error(`There is no application ${clientId}.`);
}

/** A client under the names of RFC 7591 §2, without anything secret. */
function described(client: Client): object {
  return {
    client_id: client.clientId,
    client_name: client.name,
    client_type: client.clientType,
    application_type: client.applicationType,
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    grant_types: client.grantTypes,
    response_types: client.responseTypes,
    redirect_uris: client.redirectUris,
    post_logout_redirect_uris: client.postLogoutRedirectUris,
    allowed_origins: client.allowedOrigins,
    scope: client.scopes === null ? null : client.scopes.join(' '),
    id_token_signed_response_alg: client.idTokenSignedResponseAlg,
    skip_consent: client.skipConsent,
    client_uri: client.clientUri,
    logo_uri: client.logoUri,
    policy_uri: client.policyUri,
    tos_uri: client.tosUri,
    contacts: client.contacts,
    owner: client.owner,
    disabled: client.disabledAt !== null,
  };
}

function tell(
  command: Command,
  client: Client,
  more: object = {},
  rows: readonly (readonly string[])[] = [],
): void {
  const said = (values: readonly string[] | null): string =>
    values === null ? 'all' : values.length === 0 ? 'none' : values.join(' ');
  const text = table([
    ['Client ID', client.clientId],
    ...rows,
    ['Name', client.name],
    [
      'Type',
      `${client.clientType}, ${client.applicationType}${client.disabledAt === null ? '' : ', disabled'}`,
    ],
    ['Authentication', client.tokenEndpointAuthMethod],
    ['Grant types', said(client.grantTypes)],
    ['Redirect URIs', said(client.redirectUris)],
    ['After logout', said(client.postLogoutRedirectUris)],
    ['Origins', said(client.allowedOrigins)],
    ['Scopes', said(client.scopes)],
    ['ID tokens', client.idTokenSignedResponseAlg],
    ['Consent', client.skipConsent ? 'not asked for' : 'asked for'],
  ]);
  say(globals(command).json, { ...described(client), ...more }, text);
}
