/** Scopes every provider has unless it takes them away, in plain words (OIDC Core §5.4, §11). */

/** Their descriptions, by name. */
export const STANDARD_SCOPES: Readonly<Record<string, string>> = {
  openid: 'Confirm who you are',
  profile: 'See your name and profile details',
  email: 'See your email address',
  address: 'See your postal address',
  phone: 'See your phone number',
  offline_access: 'Stay connected while you are away',
};
