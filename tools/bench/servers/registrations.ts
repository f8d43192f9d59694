/**
 * The clients and people that every measured server knows. The load generator reads the same
 * values, so both sides of a request agree.
 */

/** Most connections of a window. Each connection belongs to a person of its own. */
export const PEOPLE = 64;

export interface RegisteredClient {
  readonly id: string;
  readonly secret: string;
}

/** A service without people: client credentials, introspection, revocation. */
export const SERVICE: RegisteredClient = {
  id: 'service',
  secret: 'secret-of-the-service-0123456789abcdef-0123456789',
};

/** A web application where people sign in: code flow, refresh, userinfo. */
export const APPLICATION: RegisteredClient = {
  id: 'application',
  secret: 'secret-of-the-application-0123456789abcdef-012345',
};

export const REDIRECT_URI = 'https://application.example/callback';
export const API_SCOPE = 'api:read';
export const APPLICATION_SCOPE = 'openid profile offline_access';
export const PASSWORD = 'only-for-the-benchmark';

/** The name and the subject of person number `index`. */
export function personName(index: number): string {
  return `person${index}`;
}
