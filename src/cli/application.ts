/** `valetkey application …`: registered clients. What a client may be registered as is decided in the core, wherever it comes from. */
import type { Command } from 'commander';
import type { AuthMethod, ClientMetadata, IdTokenAlg } from 'valetkey';
import { collect, wholeNumber } from './options.ts';
import { say, table } from './output.ts';
import { globals, withAssembly } from './workshop.ts';

interface CreateOptions {
  readonly name: string;
  readonly redirectUri?: readonly string[];
  readonly postLogoutRedirectUri?: readonly string[];
  readonly allowedOrigin?: readonly string[];
  readonly grantType?: readonly string[];
  readonly scope?: readonly string[];
  readonly clientType?: 'confidential' | 'public';
  readonly applicationType?: 'web' | 'native';
  readonly authMethod?: AuthMethod;
  readonly algorithm?: IdTokenAlg;
  readonly skipConsent?: boolean;
  readonly skipAuthorization?: boolean;
  readonly owner?: string;
  readonly user?: string;
  readonly clientUri?: string;
  readonly logoUri?: string;
  readonly contact?: readonly string[];
  readonly policyUri?: string;
  readonly tosUri?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
}

export function application(program: Command): void {
  const group = program.command('application').description('registered applications (clients)');
  group
    .command('create')
    .description('register an application; prints its id and, once, its secret')
    .requiredOption('--name <text>', 'as people see it')
    .option('--redirect-uri <uri>', 'where answers go; may be repeated', collect)
    .option('--post-logout-redirect-uri <uri>', 'where logout returns to; may be repeated', collect)
    .option('--allowed-origin <origin>', 'origin of a browser application; may be repeated', collect)
    .option('--grant-type <type>', 'authorization_code, refresh_token, client_credentials; may be repeated', collect)
    .option('--scope <name>', 'scopes it may ask for; may be repeated (default: all)', collect)
    .option('--client-type <type>', 'confidential (default) or public')
    .option('--application-type <type>', 'web (default) or native')
    .option('--auth-method <method>', 'client_secret_basic (default), client_secret_post, none')
    .option('--algorithm <alg>', 'signs its ID tokens: RS256 (default), PS256, ES256, EdDSA, HS256')
    .option('--skip-consent', 'an application of your own: no consent page')
    .option('--skip-authorization', 'the same')
    .option('--owner <sub>', 'subject of the user who owns it')
    .option('--user <sub>', 'the same')
    .option('--client-uri <url>', 'its home page')
    .option('--logo-uri <url>', 'its logo')
    .option('--contact <address>', 'mail address of who is responsible; may be repeated', collect)
    .option('--policy-uri <url>', 'its privacy policy')
    .option('--tos-uri <url>', 'its terms')
    .option('--client-id <text>', 'default: random')
    .option('--client-secret <text>', 'at least 32 characters; default: made')
    .action(async (options: CreateOptions, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        const chosen = defined({ clientId: options.clientId, clientSecret: options.clientSecret });
        const { client, clientSecret } = await provider.clients.create(metadataOf(options), chosen);
        const rows = [
          ['Client ID', client.clientId],
          ...(clientSecret === null ? [] : [['Client secret', clientSecret]]),
          ['Authentication', client.tokenEndpointAuthMethod],
          ['Grant types', client.grantTypes.join(', ')],
        ];
        say(
          globals(command).json,
          {
            client_id: client.clientId,
            ...(clientSecret === null ? {} : { client_secret: clientSecret }),
            token_endpoint_auth_method: client.tokenEndpointAuthMethod,
            grant_types: client.grantTypes,
            redirect_uris: client.redirectUris,
          },
          table(rows),
        );
      });
    });
  group
    .command('list')
    .description('list applications')
    .option('--after <client-id>', 'begin after this one')
    .option('--limit <number>', 'at most so many', wholeNumber(1, 10_000), 100)
    .action(async (options: { readonly after?: string; readonly limit: number }, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        const list = await provider.clients.list(options);
        const applications = list.map(({ clientId, name, clientType, grantTypes, redirectUris, disabledAt }) => ({
          clientId,
          name,
          clientType,
          grantTypes,
          redirectUris,
          disabled: disabledAt !== null,
        }));
        const rows = applications.map((row) => [row.clientId, row.name, row.clientType, row.grantTypes.join(' ')]);
        const more = list.length === options.limit ? `\n\nThere may be more: --after ${list.at(-1)?.clientId}` : '';
        say(globals(command).json, { applications }, table([['CLIENT ID', 'NAME', 'TYPE', 'GRANT TYPES'], ...rows]) + more);
      });
    });
  group
    .command('delete')
    .description('delete an application with everything issued to it')
    .requiredOption('--client-id <text>', 'which')
    .action(async ({ clientId }: { readonly clientId: string }, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        if (!(await provider.clients.delete(clientId))) throw new Error(`There is no application ${clientId}.`);
        say(globals(command).json, { deleted: clientId }, `Deleted ${clientId}.`);
      });
    });
  group
    .command('rotate-secret')
    .description('make a new secret; the old one works on for a while')
    .requiredOption('--client-id <text>', 'which')
    .option('--overlap <seconds>', 'how long the old one works on', wholeNumber(0), 86_400)
    .action(async ({ clientId, overlap }: { readonly clientId: string; readonly overlap: number }, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        const rotated = await provider.clients.rotateSecret(clientId, overlap);
        if (rotated === null) throw new Error(`There is no confidential application ${clientId}.`);
        say(
          globals(command).json,
          { client_id: clientId, client_secret: rotated.clientSecret },
          table([
            ['Client ID', clientId],
            ['New secret', rotated.clientSecret ?? ''],
          ]),
        );
      });
    });
}

function metadataOf(options: CreateOptions): ClientMetadata {
  return {
    name: options.name,
    ...defined({
      redirectUris: options.redirectUri,
      postLogoutRedirectUris: options.postLogoutRedirectUri,
      allowedOrigins: options.allowedOrigin,
      grantTypes: options.grantType?.map((type) => type.replaceAll('-', '_')),
      scopes: options.scope,
      clientType: options.clientType,
      applicationType: options.applicationType,
      tokenEndpointAuthMethod: options.authMethod,
      idTokenSignedResponseAlg: options.algorithm,
      skipConsent: options.skipConsent ?? options.skipAuthorization,
      owner: options.owner ?? options.user,
      clientUri: options.clientUri,
      logoUri: options.logoUri,
      contacts: options.contact,
      policyUri: options.policyUri,
      tosUri: options.tosUri,
    }),
  };
}

function defined<T extends object>(value: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [Key in keyof T]?: NonNullable<T[Key]>;
  };
}
