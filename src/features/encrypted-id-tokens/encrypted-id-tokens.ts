/** ID tokens that are signed, then encrypted, for clients registered so (OIDC Core §2, §10.2). */
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { encryptionFields } from '../../engine/response-objects.ts';

const { clientFields, clientChecks, metadata } = encryptionFields('id_token', 'its ID tokens');

/** Encrypted ID tokens (OIDC Core §10.2). */
export const encryptedIdTokens: FeatureFactory = defineFeature({
  name: 'encrypted-id-tokens',
  description: 'ID tokens that are encrypted, for applications registered so (OIDC Core §10.2)',
  options: {},
  create: () => ({ clientFields, clientChecks, metadata: () => metadata }),
});
