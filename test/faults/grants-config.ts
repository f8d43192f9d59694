/**
 * Settings file of servers that exchange tokens, and take assertions of an issuer whose keys are in
 * the variable `TRUSTED_KEYS`.
 */
import { jwtBearer, tokenExchange } from 'valetkey';

export const TRUSTED = 'https://trusted.example';
/** Read when a server starts: the tests set the variable after they loaded this file. */
const trustedKeys = () =>
  JSON.parse(process.env['TRUSTED_KEYS'] ?? '{}') as Record<string, unknown>;

const settings = {
  features: [
    Object.assign(() => tokenExchange({ policy: () => ({ allow: true }) }), {
      featureName: tokenExchange.featureName,
      options: {},
    }),
    Object.assign(
      () =>
        jwtBearer({
          issuers: [{ issuer: TRUSTED, jwks: trustedKeys() }],
          subject: ({ claims }) => String(claims['sub']),
        }),
      { featureName: jwtBearer.featureName, options: {} },
    ),
  ],
};

// biome-ignore lint/style/noDefaultExport: this is how a settings file is read
export default settings;
