/**
 * HTML templates that escape every value and are drawn synchronously, and filters for names and
 * addresses from clients and people, which are not trusted. The parts made from them are in
 * `layout.ts`.
 */
import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';

/** HTML in which every value is already escaped. */
export type Markup = HtmlEscapedString;
/** A value in a template. Text is escaped. False, null and undefined draw nothing. */
export type Inside = Markup | string | number | false | null | undefined | readonly Inside[];

const MOST_CHARACTERS = 80;
// Control characters, lone surrogates, invisible characters, and characters that change the
// direction of text. Joiners are not in it, because some scripts and emoji need them.
const UNSEEN =
  /[\p{Cc}\p{Cs}\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]+/gu;
const PILED_MARKS = /(\p{M}{3})\p{M}+/gu;

/**
 * Template tag for HTML. It escapes every value except markup.
 * @throws TypeError when a value is a promise
 */
export function markup(strings: TemplateStringsArray, ...values: readonly Inside[]): Markup {
  const drawn = html(strings, ...values);
  if (drawn instanceof Promise) throw new TypeError('A page cannot wait for a promise.');
  return drawn;
}

/**
 * An untrusted text on one line, without invisible characters and without characters that change
 * the direction of text. The result is not escaped.
 */
export function visibleText(text: string): string {
  return text.replace(UNSEEN, ' ').replace(PILED_MARKS, '$1').replace(/\s+/gu, ' ').trim();
}

/**
 * An untrusted name, made visible (`visibleText`) and at most 80 characters long. The result is not
 * escaped.
 * @param otherwise the text to use if nothing of the name is visible
 */
export function displayName(name: string, otherwise = ''): string {
  // 2000 characters are enough to fill the limit, so the rest of a very long text is not processed.
  const characters = [...(visibleText(name.slice(0, 2000)) || visibleText(otherwise))];
  const kept =
    characters.length <= MOST_CHARACTERS
      ? characters
      : [...characters.slice(0, MOST_CHARACTERS - 1), '…'];
  return kept.join('');
}

/**
 * The address, if a page may link to it: http or https, without username and password. Else null.
 */
export function webAddress(address: string | null): string | null {
  if (address === null || !/^https?:\/\//i.test(address) || !URL.canParse(address)) return null;
  const url = new URL(address);
  return url.username === '' && url.password === '' ? url.href : null;
}
