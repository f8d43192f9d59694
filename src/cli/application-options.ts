/** The options that describe an application, for creating and changing one; also under the names that Django OAuth Toolkit gives them. */
import { type Command, Option } from 'commander';
import type { AuthMethod, ClientMetadata, IdTokenAlg } from 'valetkey';
import { collect } from './options.ts';

/** What was given of them. */
export interface MetadataOptions {
  readonly name?: string;
  readonly redirectUri?: readonly string[];
  readonly redirectUris?: readonly string[];
  readonly postLogoutRedirectUri?: readonly string[];
  readonly postLogoutRedirectUris?: readonly string[];
  readonly allowedOrigin?: readonly string[];
  readonly grantType?: readonly string[];
  readonly scope?: readonly string[];
  readonly clientType?: string;
  readonly applicationType?: string;
  readonly authMethod?: AuthMethod;
  readonly algorithm?: IdTokenAlg;
  readonly skipConsent?: boolean;
  readonly skipAuthorization?: boolean;
  readonly hashClientSecret?: boolean;
  readonly owner?: string;
  readonly user?: string;
  readonly clientUri?: string;
  readonly logoUri?: string;
  readonly contact?: readonly string[];
  readonly policyUri?: string;
  readonly tosUri?: string;
}

/** Adds the options to a command. */
export function metadataOptions(command: Command): Command {
  return command
    .option('--redirect-uri <uri>', 'where answers go; may be repeated', collect)
    .option('--redirect-uris <uris>', 'the same, several with spaces between them', collect)
    .option('--post-logout-redirect-uri <uri>', 'where logout returns to; may be repeated', collect)
    .option(
      '--post-logout-redirect-uris <uris>',
      'the same, several with spaces between them',
      collect,
    )
    .option(
      '--allowed-origin <origin>',
      'origin of a browser application; may be repeated',
      collect,
    )
    .option(
      '--grant-type <type>',
      'authorization_code, refresh_token, client_credentials; may be repeated',
      collect,
    )
    .option('--scope <name>', 'scopes it may ask for; may be repeated (default: all)', collect)
    .addOption(
      new Option('--client-type <type>', 'default: confidential').choices([
        'confidential',
        'public',
      ]),
    )
    .addOption(new Option('--application-type <type>', 'default: web').choices(['web', 'native']))
    .option('--auth-method <method>', 'client_secret_basic (default), client_secret_post, none')
    .addOption(
      new Option('--algorithm <alg>', 'signs its ID tokens, default: RS256').choices([
        'RS256',
        'PS256',
        'ES256',
        'EdDSA',
        'HS256',
      ]),
    )
    .option('--skip-consent', 'an application of your own: no consent page')
    .option('--skip-authorization', 'the same')
    .option(
      '--no-hash-client-secret',
      'keep the secret readable (sealed): for --algorithm HS256, which does so anyway',
    )
    .option('--owner <sub>', 'subject of the user who owns it')
    .option('--user <sub>', 'the same')
    .option('--client-uri <url>', 'its home page')
    .option('--logo-uri <url>', 'its logo')
    .option('--contact <address>', 'mail address of who is responsible; may be repeated', collect)
    .option('--policy-uri <url>', 'its privacy policy')
    .option('--tos-uri <url>', 'its terms');
}

/**
 * What the options say, and nothing about what was not given.
 * @throws Error when a readable secret is asked for where none is kept
 */
export function metadataOf(options: MetadataOptions): Partial<ClientMetadata> {
  if (options.hashClientSecret === false && options.algorithm !== 'HS256') {
    throw new Error(
      'A secret is kept readable, sealed, for --algorithm HS256 alone: leave --no-hash-client-secret out, or choose HS256.',
    );
  }
  const both = (
    one: readonly string[] | undefined,
    several: readonly string[] | undefined,
  ): readonly string[] | undefined =>
    one === undefined && several === undefined ? undefined : [...(one ?? []), ...(several ?? [])];
  const values: { readonly [Field in keyof ClientMetadata]?: unknown } = {
    name: options.name,
    redirectUris: both(options.redirectUri, options.redirectUris),
    postLogoutRedirectUris: both(options.postLogoutRedirectUri, options.postLogoutRedirectUris),
    allowedOrigins: options.allowedOrigin,
    grantTypes: options.grantType?.flatMap(grantTypesOf),
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
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** `authorization-code` is Django OAuth Toolkit's word for the code with refresh tokens; with an underscore it is the grant type alone. */
function grantTypesOf(type: string): readonly string[] {
  return type === 'authorization-code'
    ? ['authorization_code', 'refresh_token']
    : [type.replaceAll('-', '_')];
}
