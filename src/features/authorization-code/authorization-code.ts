/** The authorization code flow (RFC 6749 §4.1) with PKCE (RFC 7636). */
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { codeArtifact } from './code-artifact.ts';
import { authorizationCodeGrant, codeReplayed } from './grant.ts';
import { codeChallenge, requirePkce } from './pkce.ts';

/** The authorization code flow (RFC 6749 §4.1): response type `code` and its grant. */
export const authorizationCode: FeatureFactory = defineFeature({
  name: 'authorization-code',
  description: 'The authorization code flow (RFC 6749 §4.1) with PKCE (RFC 7636)',
  options: {},
  create: () => ({
    grants: [authorizationCodeGrant],
    parameters: [codeChallenge],
    clientFields: [requirePkce],
    artifacts: [codeArtifact],
    responseTypes: [{ name: 'code', artifacts: ['code'], grantTypes: ['authorization_code'] }],
    metadata: () => ({ code_challenge_methods_supported: ['S256'] }),
    events: [codeReplayed],
  }),
});
