/**
 * What every registration of a client must meet, whoever asks for it: known fields with good
 * values, scopes that exist, secrets that are none of another server, keys that verifiers know.
 */
import { metadataOfKind } from '../protocol/client-kinds.ts';
import type { ClientMetadata, CompleteClientMetadata } from '../protocol/client-metadata.ts';
import {
  clientTypeProblems,
  completeMetadata,
  type MetadataProblem,
  type MetadataRules,
  metadataProblems,
  metadataTypeProblems,
  needsSecret,
} from '../protocol/client-metadata-rules.ts';
import type { IdTokenAlg, SigningAlg } from '../protocol/names.ts';
import type { Client, Seconds } from '../store/records.ts';
import { ClientMetadataError, type ManagedClient } from './client-registry.ts';
import { SHORTEST_SECRET } from './client-secrets.ts';
import type { Shelf } from './outbound.ts';

/** What a registration is held to. */
export interface RegistrationRules {
  readonly rules: MetadataRules;
  /** When the signing key of an algorithm signs, in seconds. */
  readonly provideKey: (alg: SigningAlg) => Promise<Seconds>;
  /** What is verified of metadata by documents of others: everything that is wrong. */
  readonly verify: (
    metadata: CompleteClientMetadata,
    shelf: Shelf,
  ) => Promise<readonly MetadataProblem[]>;
  /** The scopes on offer. */
  readonly scopes: readonly string[];
  /** Where secrets of managed clients come from. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => Seconds;
}

/** A client of the configuration that can be registered as it is. */
export interface PreparedClient {
  readonly metadata: ClientMetadata;
  readonly complete: CompleteClientMetadata;
  /** Null for a public client. */
  readonly secret: string | null;
  readonly secretOverlap: Seconds;
}

/** Seconds for which the secret before works on, when the configuration has another one. */
const OVERLAP = 86_400;

/** @throws ClientMetadataError */
export function prepareManaged(parts: RegistrationRules, managed: ManagedClient): PreparedClient {
  const { rules, env } = parts;
  const { clientId, kind, clientSecret, clientSecretEnv: variable, ...more } = managed;
  const { secretOverlap = OVERLAP, ...rest } = more;
  checkClientId(clientId);
  if (!Number.isSafeInteger(secretOverlap) || secretOverlap < 0)
    throw refused('secretOverlap', 'must be a whole number of seconds');
  const metadata = kind === undefined ? rest : metadataOfKind(kind, rest);
  const complete = checked(rules, metadata);
  checkScopes(parts, metadata, []);
  const secret = clientSecret ?? (variable === undefined ? undefined : env[variable]);
  if (!needsSecret(rules.authMethods.get(complete.tokenEndpointAuthMethod))) {
    if (secret === undefined) return { metadata, complete, secret: null, secretOverlap };
    throw refused('clientSecret', 'has no use: the client proves itself without one');
  }
  if (secret === undefined || secret.length < SHORTEST_SECRET) {
    const from = variable === undefined ? 'clientSecret or clientSecretEnv' : variable;
    throw refused('clientSecret', `must have ${SHORTEST_SECRET} characters: ${from}`);
  }
  checkSecret(secret);
  return { metadata, complete, secret, secretOverlap };
}

/** @throws ClientMetadataError */
export function checkClientId(clientId: string): void {
  if (!/^[\x21-\x7e]{1,255}$/.test(clientId) || clientId.startsWith('https://'))
    throw refused('clientId', 'must be 1 to 255 printable characters and no URL');
}

/** The metadata with its defaults. @throws ClientMetadataError */
export function checked(rules: MetadataRules, metadata: ClientMetadata): CompleteClientMetadata {
  const problems = metadataTypeProblems(metadata, rules.fields);
  if (problems.length > 0) throw new ClientMetadataError(problems);
  const complete = completeMetadata(metadata, rules);
  const more = [...clientTypeProblems(metadata), ...metadataProblems(complete, rules)];
  if (more.length > 0) throw new ClientMetadataError(more);
  return complete;
}

/** The metadata passed all checks; what documents of others say of it is looked at last. */
export async function requireVerified(
  { verify }: RegistrationRules,
  metadata: CompleteClientMetadata,
  registrationSource: Client['registrationSource'],
): Promise<void> {
  const problems = await verify(metadata, shelfOf({ registrationSource }));
  if (problems.length > 0) throw new ClientMetadataError(problems);
}

/** How Django and others begin the text of a hash. */
const HASHED =
  /^(pbkdf2_sha\d+|bcrypt(_sha256)?|argon2|scrypt|md5)\$|^\$(2[aby]|argon2\w*|scrypt)\$/;

/** @throws ClientMetadataError for a text that cannot be a secret */
export function checkSecret(text: string): void {
  if (text.length < SHORTEST_SECRET)
    throw refused('clientSecret', `must have at least ${SHORTEST_SECRET} characters`);
  // The client would send its secret, which is another text.
  if (HASHED.test(text))
    throw refused(
      'clientSecret',
      'is a hash, not a secret: a hash of another server proves nothing here, so rotate the secret and give the new one to the application',
    );
}

/** Registered by resource servers, which ask about tokens; nobody requests it. */
const ASKING_SCOPE = 'introspection';

/** A misspelt scope would be missing without a word. Those that a client has already may stay. */
export function checkScopes(
  { scopes: known }: RegistrationRules,
  { scopes, defaultScopes }: Partial<ClientMetadata>,
  held: readonly string[],
): void {
  const accepted = [...known, ...held, ASKING_SCOPE];
  const problems = Object.entries({ scopes, defaultScopes }).flatMap(([field, named]) =>
    (named ?? [])
      .filter((name) => !accepted.includes(name))
      .map((name): MetadataProblem => {
        const remedy = `there are: ${known.join(', ')}`;
        const problem = `names ${JSON.stringify(name)}, which is no scope of this server (${remedy})`;
        return { field, code: 'invalid_client_metadata', problem };
      }),
  );
  if (problems.length > 0) throw new ClientMetadataError(problems);
}

/** A client is not registered for a key that verifiers may not know yet. */
export async function requireKey(
  { provideKey, now }: RegistrationRules,
  alg: IdTokenAlg,
): Promise<void> {
  if (alg === 'HS256') return;
  const activeAt = await provideKey(alg);
  if (activeAt <= now()) return;
  const from = new Date(activeAt * 1000).toISOString();
  const problem = `${alg} was switched on a short while ago: its key is published first and signs from ${from} on`;
  throw refused('idTokenSignedResponseAlg', problem);
}

/** True for a client that registered itself, or that nobody registered. */
export function registeredItself({
  registrationSource,
}: Pick<Client, 'registrationSource'>): boolean {
  return ['dynamic', 'open', 'metadata_document'].includes(registrationSource);
}

/**
 * Where documents that a client names are kept, so that those of clients for which nobody vouches
 * take no place from others.
 */
export function shelfOf({
  registrationSource = 'configuration',
}: Partial<Pick<Client, 'registrationSource'>>): Shelf {
  return isVouchedFor({ registrationSource }) ? 'clients' : 'strangers';
}

/** False for a client that registered itself without anybody who vouches for it. */
export function isVouchedFor({ registrationSource }: Pick<Client, 'registrationSource'>): boolean {
  return !['open', 'metadata_document'].includes(registrationSource);
}

/** The error for one field. */
export function refused(field: string, problem: string): ClientMetadataError {
  return new ClientMetadataError([{ field, code: 'invalid_client_metadata', problem }]);
}
