/** The person of the test setup: every standard claim has a value (OIDC Core §5.1). */

export const USERNAME = 'conformance';
export const PASSWORD = 'conformance suite 2026';

export const CLAIMS: Readonly<Record<string, unknown>> = {
  name: 'Cora Conforming',
  given_name: 'Cora',
  family_name: 'Conforming',
  middle_name: 'Quinn',
  nickname: 'Coco',
  preferred_username: 'cora',
  profile: 'https://people.example/cora',
  picture: 'https://people.example/cora.png',
  website: 'https://cora.example',
  gender: 'female',
  birthdate: '1990-05-17',
  zoneinfo: 'Europe/Berlin',
  locale: 'en-GB',
  email: 'cora@people.example',
  email_verified: true,
  phone_number: '+49 30 1234567',
  phone_number_verified: true,
  address: {
    formatted: '1 Test Street\n10115 Berlin\nGermany',
    street_address: '1 Test Street',
    locality: 'Berlin',
    region: 'Berlin',
    postal_code: '10115',
    country: 'Germany',
  },
};
