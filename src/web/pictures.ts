/** What bytes are, whatever their sender calls them. SVG is none of these: it can hold a script. */

/** How pictures of each type begin, in hexadecimal digits. */
const BEGINNINGS: readonly (readonly [type: string, beginning: RegExp])[] = [
  ['image/png', /^89504e470d0a1a0a/],
  ['image/jpeg', /^ffd8ff/],
  ['image/gif', /^474946383[79]61/],
  ['image/webp', /^52494646.{8}57454250/],
];

/** The media type of a picture; null for anything else. */
export function pictureType(body: Uint8Array): string | null {
  const start = Buffer.from(body.subarray(0, 12)).toString('hex');
  return BEGINNINGS.find(([, beginning]) => beginning.test(start))?.[0] ?? null;
}
