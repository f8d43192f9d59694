/**
 * What a registration and a change of one have in common: from the JSON that a client sends to the
 * metadata that it is registered as, and to the JSON that it gets.
 */
import { ClientMetadataError } from '../../domain/client-registry.ts';
import {
  decided,
  limited,
  plainDescription,
  type RegistrationLimits,
  type RegistrationPolicy,
} from '../../domain/registration-policy.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import { CLIENT_FIELDS } from '../../protocol/client-field-definitions.ts';
import type { ClientMetadata } from '../../protocol/client-metadata.ts';
import { OAuthError } from '../../protocol/errors.ts';
import {
  readSent,
  registeredAs,
  replacedBy,
  type WireMetadata,
} from '../../protocol/registration-metadata.ts';
import type { Client, InitialAccessToken } from '../../store/records.ts';

import { readStatement, refused, type StatementIssuers } from './software-statement.ts';

/** What registrations are judged by. */
export interface JudgingRules extends RegistrationLimits {
  /** Who may sign software statements. */
  readonly softwareStatementIssuers: StatementIssuers;
  /** Whether every registration needs one. */
  readonly requireSoftwareStatement: boolean;
  /** The host's own rule; null without one. */
  readonly policy: RegistrationPolicy | null;
}

/** Who asks. */
export interface Applicant {
  /** The client that changes its registration; null for a new one. */
  readonly client: Client | null;
  /** The initial access token; null without one. */
  readonly token: InitialAccessToken | null;
}

/**
 * The metadata that a client is registered as.
 * @throws OAuthError, ClientMetadataError
 */
export async function judged(
  ctx: EngineContext,
  sent: WireMetadata,
  rules: JudgingRules,
  { client, token }: Applicant,
): Promise<ClientMetadata> {
  const { fields } = ctx.clients.rules;
  const statement = await statementIn(ctx, sent, rules);
  // RFC 7591 §2.3: values of the statement take precedence.
  const { metadata: asked, problems } = readSent({ ...sent, ...statement }, fields);
  if (problems.length > 0) throw new ClientMetadataError(problems);
  const whole = client === null ? asked : replacedBy(client, asked, fields);
  const { metadata, problems: beyond } = limited(ctx, whole, rules, client);
  if (beyond.length > 0) throw new ClientMetadataError(beyond);
  return await decided(rules.policy, {
    metadata,
    client,
    initialAccessToken: token?.name ?? null,
    softwareStatement: statement,
    request: ctx.request,
  });
}

async function statementIn(
  ctx: EngineContext,
  { software_statement: statement }: WireMetadata,
  { softwareStatementIssuers: issuers, requireSoftwareStatement }: JudgingRules,
): Promise<WireMetadata | null> {
  const isMissing = statement === undefined || statement === null;
  if (isMissing && requireSoftwareStatement) throw refused({ expected: 'a software_statement' });
  // RFC 7591 §3.1.1: a server that supports no software statements may ignore them.
  const isIgnored = Object.keys(issuers).length === 0 && !requireSoftwareStatement;
  return isMissing || isIgnored ? null : await readStatement(ctx, statement, issuers);
}

/** Turns what is wrong with metadata into a refusal (RFC 7591 §3.2.2). */
export async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ClientMetadataError)) throw error;
    const problems = error.problems.map(({ field, problem }) => `${wireName(field)} ${problem}`);
    const uris = error.problems.find(({ code }) => code === 'invalid_redirect_uri');
    throw new OAuthError(
      uris?.code ?? 'invalid_client_metadata',
      uris === undefined ? 'client_metadata' : 'registered_redirect_uri',
      plainDescription(problems.join('; ')),
      { hint: { expected: 'metadata as RFC 7591 §2 has it', received: problems.join('; ') } },
    );
  }
}

function wireName(field: string): string {
  const definition = Object.hasOwn(CLIENT_FIELDS, field)
    ? CLIENT_FIELDS[field as keyof typeof CLIENT_FIELDS]
    : undefined;
  return definition?.wireName ?? field;
}

/** Tokens and secrets that a response tells, in clear. */
export interface ToldCredentials {
  /** The token by which the client manages itself; null: it cannot. */
  readonly registrationToken: string | null;
  /** The secret; null where none was made now. */
  readonly clientSecret: string | null;
}

/** The response about a registered client (RFC 7591 §3.2.1, RFC 7592 §3). */
export function clientInformation(
  ctx: EngineContext,
  client: Client,
  { registrationToken, clientSecret }: ToldCredentials,
): Record<string, unknown> {
  const { clientId, createdAt } = client;
  return {
    ...registeredAs(client, ctx.clients.rules.fields),
    client_id: clientId,
    client_id_issued_at: createdAt,
    // RFC 7591 §3.2.1: REQUIRED with a client_secret; 0 says that it does not expire.
    ...(clientSecret === null ? {} : { client_secret: clientSecret, client_secret_expires_at: 0 }),
    ...(registrationToken === null
      ? {}
      : {
          registration_access_token: registrationToken,
          registration_client_uri: managementUrl(ctx, clientId),
        }),
  };
}

/** Where a client manages its registration (RFC 7592 §3). */
function managementUrl(ctx: EngineContext, clientId: string): string {
  const base = ctx.url('registration');
  const slash = base.endsWith('/') ? '' : '/';
  const end = ctx.settings.trailingSlash ? '/' : '';
  return `${base}${slash}${encodeURIComponent(clientId)}${end}`;
}
