/** Identifiers of APIs (RFC 8707 §2, RFC 9728 §1.2): when two of them name the same one. */

/** The address in one spelling: with and without a slash at its end it is the same API. */
export function inOneSpelling(uri: string): string {
  try {
    return new URL(uri).href.replace(/\/$/, '');
  } catch {
    return uri;
  }
}

/** True when both identifiers name the same API. */
export function isSameResource(one: string, other: string): boolean {
  return one === other || inOneSpelling(one) === inOneSpelling(other);
}
