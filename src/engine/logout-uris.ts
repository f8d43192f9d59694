/** Addresses of clients that are told of the end of a session. */

/** What is wrong with such an address, as a phrase that continues its name; null for a good one. */
export function logoutUriProblem(uri: string): string | null {
  const isUrl = uri.length <= 2048 && /^https?:\/\/[^/][!-~]*$/.test(uri) && URL.canParse(uri);
  if (!isUrl) return 'must be an http or https URL';
  const { username, password, hash } = new URL(uri);
  // Front-Channel and Back-Channel Logout §2.2: no fragment.
  if (username !== '' || password !== '' || hash !== '' || uri.endsWith('#'))
    return 'must not have a user name or a fragment';
  return null;
}
