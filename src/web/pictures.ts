/** What bytes are, whatever their sender calls them. SVG is none of these: it can hold a script. */

/** How pictures of each type begin. */
const BEGINNINGS: readonly (readonly [type: string, beginning: RegExp])[] = [
  ['image/png', /^\x89PNG\r\n\x1a\n/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF[^]{4}WEBP/],
];

/** The media type of a picture; null for anything else. */
export function pictureType(body: Uint8Array): string | null {
  const start = Buffer.from(body.subarray(0, 16)).toString('latin1');
  return BEGINNINGS.find(([, beginning]) => beginning.test(start))?.[0] ?? null;
}
