/** The fields by which clients say how objects are signed and encrypted that they are sent. */
import { CONTENT_ENCRYPTION_ALGS } from '../crypto/jwe.ts';
import { type EncryptedObject, encryptionFieldNames, signingFieldName } from '../domain/sealing.ts';
import { type MetadataCheck, needsSecret } from '../protocol/client-metadata-rules.ts';
import { type IdTokenAlg, KEY_ENCRYPTION_ALGS } from '../protocol/names.ts';
import type { Client } from '../store/records.ts';
import { type ClientField, clientField } from './contracts/client-field.ts';

/** What a feature contributes to have an object encrypted. */
export interface EncryptionFields {
  readonly clientFields: readonly ClientField[];
  readonly clientChecks: readonly MetadataCheck[];
  /** The two lists of algorithms (OIDC Discovery §3). */
  readonly metadata: Readonly<Record<string, readonly string[]>>;
}

/** @param what the object in words, such as `its ID tokens` */
export function encryptionFields(object: EncryptedObject, what: string): EncryptionFields {
  const [algName, encName] = encryptionFieldNames(object);
  const field = (wireName: string, offered: readonly string[], description: string): ClientField =>
    clientField<string | null>({
      wireName,
      flag: wireName.replaceAll('_', '-').replace('-response', ''),
      kind: 'text',
      nullable: true,
      default: null,
      setBy: 'client',
      protects: true,
      description,
      check: (value) =>
        value === null || offered.includes(value)
          ? null
          : `is not offered here (offered: ${offered.join(', ')})`,
    });
  const check: MetadataCheck = ({ fields, jwks, jwksUri }) => {
    const [alg, enc] = [fields[algName] ?? null, fields[encName] ?? null];
    const problem = (name: string, words: string) =>
      ({ field: name, code: 'invalid_client_metadata', problem: words }) as const;
    // OIDC Registration §2: enc is not there without alg.
    if (alg === null)
      return enc === null ? null : problem(encName, `has no meaning without ${algName}`);
    if (jwks === null && jwksUri === null)
      return problem(algName, 'needs a key of the client: jwks or jwks_uri');
    return null;
  };
  return {
    clientFields: [
      field(algName, KEY_ENCRYPTION_ALGS, `encrypt ${what} to a key of the client`),
      field(encName, CONTENT_ENCRYPTION_ALGS, `how ${what} are encrypted (default: A128CBC-HS256)`),
    ],
    clientChecks: [check],
    metadata: {
      [`${object}_encryption_alg_values_supported`]: KEY_ENCRYPTION_ALGS,
      [`${object}_encryption_enc_values_supported`]: CONTENT_ENCRYPTION_ALGS,
    },
  };
}

/** What a feature contributes to have an object signed as its clients want it. */
export interface SigningField {
  /** Algorithm for a client; null: as it is left to the feature. */
  readonly algFor: (client: Pick<Client, 'fields'>) => IdTokenAlg | null;
  readonly field: ClientField;
  readonly clientCheck: MetadataCheck;
}

/** @param what the object in words, such as `its userinfo responses` */
export function signingField(
  object: Exclude<EncryptedObject, 'id_token'>,
  what: string,
): SigningField {
  const wireName = signingFieldName(object);
  const field = clientField<IdTokenAlg | 'none' | null>({
    wireName,
    flag: `${object}-signed-alg`,
    kind: 'text',
    nullable: true,
    default: null,
    setBy: 'client',
    protects: true,
    description: `algorithm that signs ${what}`,
  });
  const clientCheck: MetadataCheck = ({ fields, tokenEndpointAuthMethod: method }, rules) => {
    const alg = fields[wireName] ?? null;
    const refused = (problem: string) =>
      ({ field: wireName, code: 'invalid_client_metadata', problem }) as const;
    // OIDC Registration §2: none is JSON, which is the same as no algorithm.
    if (alg === null || (alg === 'none' && object === 'userinfo')) return null;
    if (!rules.idTokenAlgs.includes(alg as IdTokenAlg))
      return refused(`is not offered here (offered: ${rules.idTokenAlgs.join(', ')})`);
    // OIDC Core §10.1: a symmetric signature needs a secret that is confidential.
    if (alg === 'HS256' && !needsSecret(rules.authMethods.get(method)))
      return refused('HS256 needs a client secret, which this client does not have');
    return null;
  };
  const algFor = (client: Pick<Client, 'fields'>): IdTokenAlg | null => {
    const alg = field(client);
    return alg === 'none' ? null : alg;
  };
  return { algFor, field, clientCheck };
}
