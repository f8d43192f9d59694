/** The words of `response_type` (OAuth 2.0 Multiple Response Type Encoding Practices). Pure. */

/** The name of a response type, its words in one order: they may come in any (§3). */
export function responseTypeName(responseType: string): string {
  return responseType.split(' ').sort().join(' ');
}

/** True when a response of this type carries tokens, whether the type is offered here or not. */
export function bringsTokens(responseType: string): boolean {
  const words = responseType.split(' ');
  return words.includes('token') || words.includes('id_token');
}

/**
 * What Django OAuth Toolkit calls the grant type of applications that use the hybrid flow. OpenID
 * Connect has two grant types for it.
 */
const OPENID_HYBRID = 'openid-hybrid';
const HYBRID_GRANTS = ['authorization_code', 'implicit', 'refresh_token'];

/** Grant types, with those of the hybrid flow in place of its name. */
export function expandedGrantTypes(grantTypes: readonly string[]): readonly string[] {
  const expanded = grantTypes.flatMap((type) => (type === OPENID_HYBRID ? HYBRID_GRANTS : [type]));
  return [...new Set(expanded)];
}

/**
 * The response types of a client that names none: those which its grant types are for (OIDC
 * Registration §2). With `openid-hybrid`, `code` and those of the hybrid flow.
 * @param asked the grant types as they were asked for
 * @param offered response types, each with the grant types that a client needs for it
 */
export function defaultResponseTypes(
  asked: readonly string[],
  offered: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const has = expandedGrantTypes(asked);
  const isHybrid = asked.includes(OPENID_HYBRID) && !asked.includes('implicit');
  return [...offered].flatMap(([type, needed]) => {
    const fits = needed.length > 0 && needed.every((one) => has.includes(one));
    return fits && !(isHybrid && !type.split(' ').includes('code')) ? [type] : [];
  });
}
