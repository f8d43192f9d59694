/**
 * Pairwise subject identifiers (OIDC Core §8.1): applications of different sectors know one person
 * by different identifiers, so that they cannot put together what each of them knows.
 */
import { keyedDigest } from '../../crypto/bytes.ts';
import { OutboundError } from '../../domain/outbound.ts';
import { type ClientField, clientField } from '../../engine/contracts/client-field.ts';
import type { ClientVerification } from '../../engine/contracts/client-verification.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import type { SubjectIdentifier } from '../../engine/contracts/subject-identifier.ts';
import type { MetadataProblem } from '../../protocol/client-metadata-rules.ts';
import type { Client } from '../../store/records.ts';

/** Options of pairwise subjects. */
export interface PairwiseSubjectOptions {
  /**
   * What makes the identifiers: at least 32 random characters. Never change it: every identifier
   * would be another one. Null: there are no pairwise subjects. @default null
   */
  readonly salt: string | null;
}

/** `subject_type` (OIDC Registration §2). */
const subjectType: ClientField<'public' | 'pairwise'> = clientField<'public' | 'pairwise'>({
  wireName: 'subject_type',
  flag: 'subject-type',
  kind: ['public', 'pairwise'],
  default: 'public',
  setBy: 'client',
  protects: true,
  description: 'how it knows people: as all applications do, or by identifiers of its own sector',
});

/** `sector_identifier_uri` (OIDC Registration §5). */
const sectorUri: ClientField<string | null> = clientField<string | null>({
  wireName: 'sector_identifier_uri',
  flag: 'sector-identifier-uri',
  kind: 'text',
  nullable: true,
  default: null,
  setBy: 'client',
  isCalled: true,
  description: 'URL with the list of redirect URIs of its sector',
});

type Sectored = Pick<Client, 'fields' | 'redirectUris'>;

/** Hosts of the sector; one of several is nobody's. */
function sectorsOf(client: Sectored): readonly string[] {
  const uri = sectorUri(client);
  // OIDC Core §8.1: the host of the sector_identifier_uri, or of the one registered redirect URI.
  if (uri !== null) return [new URL(uri).host];
  return [...new Set(client.redirectUris.map((one) => new URL(one).host))];
}

function identifier(salt: string): SubjectIdentifier {
  return {
    name: 'pairwise',
    subjectFor(client, sub) {
      if (subjectType(client) !== 'pairwise') return null;
      const [sector = ''] = sectorsOf(client);
      // OIDC Core §8.1: a hash of sector, local subject and a salt that is kept secret.
      return keyedDigest(salt, `${sector}\n${sub}`);
    },
  };
}

/** OIDC Registration §5: the document lists every redirect URI of the client. */
const verification: ClientVerification = async ({ outbound }, client, shelf) => {
  if (subjectType(client) !== 'pairwise') return null;
  const problem = (words: string): MetadataProblem => ({
    field: sectorUri.definition.wireName,
    code: 'invalid_client_metadata',
    problem: words,
  });
  const uri = sectorUri(client);
  if (uri === null)
    return sectorsOf(client).length === 1
      ? null
      : problem('is missing: redirect URIs on several hosts need it for pairwise subjects');
  try {
    const { value } = await outbound.json(uri, { shelf });
    const listed: readonly unknown[] = Array.isArray(value) ? value : [];
    const missing = client.redirectUris.find((one) => !listed.includes(one));
    return missing === undefined ? null : problem(`does not list ${missing}`);
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    return problem(`cannot be read: ${error.message}`);
  }
};

/** Pairwise subject identifiers (OIDC Core §8.1). */
export const pairwiseSubjects: FeatureFactory<PairwiseSubjectOptions> =
  defineFeature<PairwiseSubjectOptions>({
    name: 'pairwise-subjects',
    description: 'Applications know people by identifiers of their own (OIDC Core §8.1)',
    options: {
      salt: {
        kind: 'text',
        description: 'Makes the identifiers; at least 32 random characters that never change',
        defaultText: 'no pairwise subjects',
        nullable: true,
        default: null,
        check(value, option, refuse) {
          const isWeak = String(value).length < 32 || new Set(String(value)).size < 8;
          if (isWeak) refuse(option, 'is too short.', 'Use at least 32 random characters.');
        },
      },
    },
    create: ({ salt }) =>
      salt === null
        ? {}
        : {
            subjectIdentifiers: [identifier(salt)],
            clientFields: [subjectType, sectorUri],
            clientVerifications: [verification],
            metadata: () => ({ subject_types_supported: ['public', 'pairwise'] }),
          },
  });
