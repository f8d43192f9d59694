/** Making text of unknown origin fit to be shown: names are shortened, and nothing in them can reorder or hide what stands around them. */

const LONGEST_NAME = 80;
// Control characters, and those that change the direction of text or are invisible (Unicode Cc, Cf, Zl, Zp).
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A name of an application or account. */
export function shownName(text: string): string {
  const clean = text.replaceAll(INVISIBLE, '').trim();
  const letters = [...clean];
  return letters.length > LONGEST_NAME ? `${letters.slice(0, LONGEST_NAME).join('')}…` : clean;
}

/** The first letter, for the monogram. */
export function initial(text: string): string {
  return ([...shownName(text)].find((letter) => /[\p{L}\p{N}]/u.test(letter)) ?? '?').toLocaleUpperCase('en');
}

/** One of eight colours, always the same for a name. */
export function colourOf(text: string): number {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 8;
  return sum;
}

/** An address that may become a link; anything but http and https is not. */
export function linkOf(uri: string | null): string | null {
  return uri !== null && /^https?:\/\//i.test(uri) && URL.canParse(uri) ? uri : null;
}
