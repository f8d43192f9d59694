/**
 * What a grant proved, and what the token endpoint makes of it before anything is issued. Issuing
 * is `issuance.ts`.
 */
import type { JwtClaims } from '../crypto/jwt.ts';
import type { CodeConsumption, OneTimeConsumption, ProvenAt } from '../store/issue.ts';
import type { Details, Entitlement, Family } from '../store/records.ts';
import type { AccessTokenBounds, AccessTokenWriter } from './access-tokens.ts';
import type { Confirmation } from './confirmations.ts';
import type { Successor } from './refresh-tokens.ts';

/** What a grant proved: who the tokens are for, and what issuing them consumes. */
export interface Redemption {
  /** The subject and the circumstances; null for tokens that act for the client itself. */
  readonly entitlement: Entitlement | null;
  /** Scopes of this access token; never more than those of the entitlement. */
  readonly scopes: readonly string[];
  /** Goes into the ID token. */
  readonly nonce: string | null;
  /**
   * A family that begins may have a refresh token. It gets one if the client is registered for that
   * grant type as well.
   */
  readonly refreshable: boolean;
  /** What issuing consumes; null when nothing is. */
  readonly consumption: Consumption | null;
  /**
   * When the subject proved who they are or allowed this. Nothing is issued when everything of the
   * subject was revoked later. Needed only where neither a code nor a refresh token is consumed.
   * @default when the token request began
   */
  readonly proof?: ProvenAt;
  /**
   * The family that the access token joins and dies with, and the time that it does not outlive.
   * @default one of its own
   */
  readonly joins?: { readonly id: string; readonly expiresAt: number };
  /** Seconds that the access token lives at most. @default as client and APIs are registered */
  readonly lifetime?: number;
  /** False issues no ID token, also with the scope `openid`: nobody signed in. @default true */
  readonly idToken?: boolean;
  /** What the response says beside RFC 6749 §5.1. @default nothing */
  readonly told?: Readonly<Record<string, unknown>>;
}

/** A redemption that the token endpoint has held to its bounds. */
export interface CheckedRedemption {
  /** What the grant proved, without what is reduced or completed below. */
  readonly proven: Omit<Redemption, 'scopes' | 'proof'>;
  /** Its scopes that are on offer. */
  readonly scopes: readonly string[];
  /** When the subject proved who they are; null where the grant type consumes what says so. */
  readonly proof: ProvenAt | null;
  /** What the request proves, and tokens are bound to; empty: nothing. */
  readonly confirmation: Confirmation;
  /** What the APIs that it is for make of the access token. */
  readonly accessToken: AccessTokenRules;
  /** What the token request adds to the access token. */
  readonly details: Details;
  /** What the host adds to an ID token. */
  readonly claims: JwtClaims;
}

/** How an access token is made. */
export interface AccessTokenRules {
  /** What its APIs limit it to. */
  readonly bounds: AccessTokenBounds;
  /** Writes its text; null: a random one. */
  readonly write: AccessTokenWriter | null;
  /** What the response tells of it beside RFC 6749 §5.1. */
  readonly told: Readonly<Record<string, unknown>>;
}

/** The live refresh token of a family. */
export interface LiveRefreshToken {
  /** Says that it is a live refresh token. */
  readonly kind: 'refresh_token';
  /** The token that was presented. */
  readonly refreshToken: string;
  /** Its family. */
  readonly family: Family;
}

/**
 * A refresh token repeated within the grace: nothing is consumed, and the same answer is sent
 * again.
 */
export interface RepeatedRefreshToken {
  /** Says that it is a repeated refresh token. */
  readonly kind: 'repeated_refresh_token';
  /** The answer. */
  readonly successor: Successor;
  /** The version that the client has now. */
  readonly clientVersion: number;
}

/** What issuing consumes. After a code or a one-time record the tokens begin a family. */
export type Consumption =
  | CodeConsumption
  | OneTimeConsumption
  | LiveRefreshToken
  | RepeatedRefreshToken;

/** A successful token response (RFC 6749 §5.1, OIDC Core §3.1.3.3). */
export interface TokenResponse {
  /** The access token. */
  readonly access_token: string;
  /** How it is used (RFC 6750, RFC 9449). */
  readonly token_type: 'Bearer' | 'DPoP';
  /** Seconds until the access token expires. */
  readonly expires_in: number;
  /** The scopes of the access token, separated by spaces; absent where there is none. */
  readonly scope?: string;
  /** The refresh token, if one was issued. */
  readonly refresh_token?: string;
  /** The ID token, if `openid` is among the scopes. */
  readonly id_token?: string;
  /** What extensions add. */
  readonly [extension: string]: unknown;
}
