/**
 * HTML with every value escaped, drawn synchronously; and what is drawn of text and addresses that
 * strangers chose.
 */
import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';

/** HTML that is safe to put into a page. */
export type Markup = HtmlEscapedString;
/** What may stand in a template: text is escaped; false, null and undefined draw nothing. */
export type Inside = Markup | string | number | false | null | undefined | readonly Inside[];

const MOST_CHARACTERS = 80;
// Controls, lone surrogates, and what turns the direction of text or cannot be seen. Joiners stay:
// scripts and emoji need them.
const UNSEEN =
  /[\p{Cc}\p{Cs}\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]+/gu;
const PILED_MARKS = /(\p{M}{3})\p{M}+/gu;

/** Template tag. */
export function markup(strings: TemplateStringsArray, ...values: readonly Inside[]): Markup {
  const drawn = html(strings, ...values);
  if (drawn instanceof Promise) throw new TypeError('A page cannot wait for a promise.');
  return drawn;
}

/**
 * Text that a stranger chose, on one line, without what cannot be seen or turns the text around it.
 * Not yet escaped.
 */
export function visibleText(text: string): string {
  return text.replace(UNSEEN, ' ').replace(PILED_MARKS, '$1').replace(/\s+/gu, ' ').trim();
}

/**
 * A name that a stranger chose, of a bearable length; when nothing of it can be seen, the other
 * text. Not yet escaped.
 */
export function displayName(name: string, otherwise = ''): string {
  // More than enough to fill the limit; the rest of a huge text is not worth reading.
  const characters = [...(visibleText(name.slice(0, 2000)) || visibleText(otherwise))];
  const kept =
    characters.length <= MOST_CHARACTERS
      ? characters
      : [...characters.slice(0, MOST_CHARACTERS - 1), '…'];
  return kept.join('');
}

/**
 * The address when it is one a page may link to (http or https, nobody's password in it), else
 * null.
 */
export function webAddress(address: string | null): string | null {
  if (address === null || !/^https?:\/\//i.test(address) || !URL.canParse(address)) return null;
  const url = new URL(address);
  return url.username === '' && url.password === '' ? url.href : null;
}
