/**
 * Wildcard hosts, where the operator allows them (`allowRedirectUriWildcards`): one `*` at the
 * beginning of the host of an https address, as in `https://*.preview.example.com/callback`.
 */

/** `*`, what follows it in its label, then at least two more labels. */
const WILDCARD = /^https:\/\/\*(-[a-z0-9-]+)?(\.[a-z0-9-]+){2,}(:[0-9]{1,5})?(?=[/?]|$)/i;
/** Labels of a host name. */
const LABELS = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/i;

/** True for an address with a wildcard. */
export function hasWildcard(address: string): boolean {
  return address.includes('*');
}

/** Why an address with a wildcard cannot be registered, as a phrase that continues it; or null. */
export function wildcardProblem(address: string): string | null {
  if (WILDCARD.test(address) && address.split('*').length === 2) return null;
  return 'has a wildcard elsewhere than at the beginning of an https host with at least two more labels';
}

/** An address that the wildcard stands for, to check everything else by. */
export function exampleOf(address: string): string {
  return address.replace('*', 'any');
}

/** True for the same address, or where wildcards are allowed one of those that one stands for. */
export function isSameOrCovered(
  requested: string,
  registered: string,
  { allowWildcards }: { readonly allowWildcards: boolean },
): boolean {
  // DEVIATION RFC 9700 §2.1: a wildcard host, as Django OAuth Toolkit has it; off by default.
  if (hasWildcard(registered))
    return allowWildcards && !hasWildcard(requested) && matchesWildcard(requested, registered);
  // RFC 9700 §2.1: exact string matching.
  return requested === registered;
}

/** True when an address is one of those that a wildcard stands for. */
export function matchesWildcard(requested: string, registered: string): boolean {
  const [before = '', after = ''] = registered.split('*');
  if (!requested.startsWith(before) || !requested.endsWith(after)) return false;
  // Only labels take its place, so that the host cannot end before the registered one.
  return LABELS.test(requested.slice(before.length, requested.length - after.length));
}
