/** The switches that the metadata depends on, each flipped alone. */
import {
  type Config,
  clientIdMetadataDocuments,
  dynamicRegistration,
  type FeatureFactory,
  jwtClientAuthentication,
  mutualTls,
  pairwiseSubjects,
  pushedAuthorizationRequests,
  requestObjects,
  responseTypes,
  sessionManagement,
  userRegistration,
} from 'valetkey';
import { BUILT_IN_FEATURES } from '../../../src/features.ts';

const off = (feature: FeatureFactory<never>) => feature({ enabled: false } as never);
const SALT = 'aB3$efgh1jklmnopqrstuvwxyz0123456789';

/** What cannot be taken out alone, and what goes with it. */
const TOGETHER: Readonly<Record<string, readonly FeatureFactory<never>[]>> = {
  'authorization-code': [responseTypes],
};

/** Everything that can be switched on, so that every address and every value is known. */
export const ALL: Partial<Config> = {
  features: [
    dynamicRegistration({ enabled: true }),
    jwtClientAuthentication({ allowClientSecretJwt: true }),
    mutualTls({ enabled: true, origin: 'https://mtls.example' }),
    pairwiseSubjects({ salt: SALT }),
    requestObjects({ byReference: true, encryptionAlgs: ['ECDH-ES'] }),
    responseTypes({ allowImplicit: true }),
    sessionManagement({ enabled: true }),
    userRegistration({ page: '/sign-up' }),
    clientIdMetadataDocuments({ enabled: true }),
  ],
  signingKeys: undefined as never,
  keySchedule: { algs: ['ES256', 'RS256'] },
};

/** Each built-in feature off, and each option that shows in the metadata. */
export const SWITCHES: readonly (readonly [string, Partial<Config>])[] = [
  ['nothing', {}],
  ['everything on', ALL],
  ...BUILT_IN_FEATURES.map((feature): readonly [string, Partial<Config>] => {
    const together = [feature, ...(TOGETHER[feature.featureName] ?? [])];
    const names = together.map(({ featureName }) => featureName);
    return [`${names.join(' and ')} off`, { features: together.map(off) }];
  }),
  [
    'request objects by reference',
    { features: [requestObjects({ byReference: true, encryptionAlgs: [] })] },
  ],
  ['implicit responses', { features: [responseTypes({ allowImplicit: true })] }],
  ['client_secret_jwt', { features: [jwtClientAuthentication({ allowClientSecretJwt: true })] }],
  ['mutual TLS', { features: [mutualTls({ enabled: true })] }],
  ['registration', { features: [dynamicRegistration({ enabled: true })] }],
  ['addresses as client_id', { features: [clientIdMetadataDocuments({ enabled: true })] }],
  ['session management', { features: [sessionManagement({ enabled: true })] }],
  ['pairwise subjects', { features: [pairwiseSubjects({ salt: SALT })] }],
  ['pushed requests alone', { features: [pushedAuthorizationRequests({ required: true })] }],
  ['registration of people', { features: [userRegistration({ page: '/sign-up' })] }],
  ['other scopes', { scopes: { phone: null, billing: 'See your bills' } }],
  ['slashless addresses', { trailingSlash: false, basePath: '/auth' }],
  [
    'other keys',
    { signingKeys: undefined as never, keySchedule: { algs: ['EdDSA', 'ES512', 'Ed25519'] } },
  ],
];
