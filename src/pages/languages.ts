/**
 * The languages of the pages: those that are built in, what a host adds or changes, and which of
 * them a view gets.
 */
import { ConfigError, type ScopeView } from 'valetkey';
import type { Messages } from './messages.ts';
import { GERMAN } from './messages-de.ts';
import { ENGLISH } from './messages-en.ts';
import { FRENCH } from './messages-fr.ts';

/** The built-in texts. A new language is a file with one object, and is added here. */
const BUILT_IN: readonly Messages[] = [ENGLISH, GERMAN, FRENCH];

/** Some texts of a language: any member of `Messages`, and any member of its groups. */
export type Words = {
  readonly [Name in Exclude<keyof Messages, 'lang'>]?: Messages[Name] extends
    | string
    | ((...values: never[]) => unknown)
    ? Messages[Name]
    : Partial<Messages[Name]>;
};

/** The languages on offer. */
export interface Languages {
  /** Their BCP 47 tags. The first is used if no wanted one exists. */
  readonly tags: readonly string[];
  /**
   * The texts for a view: in the first wanted language that exists, else in the first of all.
   * @param locales wanted languages, as BCP 47 tags, best first
   */
  for(locales: readonly string[]): Messages;
}

/** What a host may change about languages. */
export interface LanguageOptions {
  /** Whole languages of the host. They come first, and replace built-in ones of the same name. */
  readonly messages: readonly Messages[];
  /** Texts that replace others, by the BCP 47 tag of their language. */
  readonly words: Readonly<Record<string, Words>>;
  /** Tags of the languages on offer, in this order; null for all. */
  readonly languages: readonly string[] | null;
}

/**
 * The languages of a host.
 * @throws ConfigError when `words` or `languages` names a language that has no texts
 */
export function languagesOf({ messages, words, languages }: LanguageOptions): Languages {
  const isReplaced = ({ lang }: Messages): boolean =>
    messages.some((own) => primaryOf(own.lang) === primaryOf(lang));
  let all = [...messages, ...BUILT_IN.filter((built) => !isReplaced(built))];
  for (const [lang, changes] of Object.entries(words)) {
    const base = lookUp(lang, all) ?? refuse('words', lang);
    if (!isGroup(changes)) refuse('words', lang);
    const changed = { ...merged(base, changes), lang };
    all =
      base.lang.toLowerCase() === lang.toLowerCase()
        ? all.map((each) => (each === base ? changed : each))
        : [...all, changed];
  }
  if (languages !== null && languages.length > 0)
    all = languages.map((lang) => all.find(isCalled(lang)) ?? refuse('languages', lang));
  return { tags: all.map(({ lang }) => lang), for: (locales) => chosen(locales, all) };
}

/**
 * Adds the changes to the texts, group by group.
 * @throws ConfigError when a change is no text of the pages, or has another type
 */
function merged(base: Messages, changes: Words): Messages {
  const groups = Object.entries(changes).map(([name, change]) => {
    const path = `${base.lang}.${name}`;
    const before: unknown = base[name as keyof Messages];
    checkType(before, change, path);
    if (!isGroup(before) || !isGroup(change)) return [name, change];
    // A host's own scopes have a text here and none in the built-in languages.
    for (const [member, text] of Object.entries(change))
      checkType(before[member] ?? (name === 'scopes' ? '' : undefined), text, `${path}.${member}`);
    return [name, { ...before, ...change }];
  });
  return { ...base, ...Object.fromEntries(groups) };
}

const isGroup = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Types do not check a settings file, and a wrong text would fail while its page is drawn. */
function checkType(before: unknown, change: unknown, path: string): void {
  if (before !== undefined && typeof change === typeof before && change !== null) return;
  const expected = typeof before === 'object' ? 'a group of texts' : `a ${typeof before}`;
  throw new ConfigError([
    {
      option: 'words',
      problem:
        before === undefined
          ? `names ${path}, which is no text of the pages.`
          : `has for ${path} something that is not ${expected}.`,
      remedy: 'The type Messages of valetkey/pages lists all texts.',
    },
  ]);
}

function refuse(option: string, lang: string): never {
  throw new ConfigError([
    {
      option,
      problem: `names the language ${lang}, which has no texts.`,
      remedy: `Built in are ${BUILT_IN.map((built) => built.lang).join(', ')}; the option messages of builtInPages adds others.`,
    },
  ]);
}

const isCalled =
  (tag: string) =>
  ({ lang }: Messages): boolean =>
    lang.toLowerCase() === tag.toLowerCase();

function chosen(locales: readonly string[], all: readonly Messages[]): Messages {
  for (const wanted of locales) {
    const found = lookUp(wanted, all);
    if (found !== null) return found;
  }
  return all[0] ?? ENGLISH;
}

/**
 * RFC 4647 §3.4: subtags are taken away from the end until a language has the tag (de-AT, then de).
 * Where none has, another region of the same language is closer than another language.
 */
function lookUp(wanted: string, all: readonly Messages[]): Messages | null {
  const subtags = wanted.split('-');
  for (let count = subtags.length; count > 0; count -= 1) {
    const found = all.find(isCalled(subtags.slice(0, count).join('-')));
    if (found !== undefined) return found;
  }
  return all.find(({ lang }) => primaryOf(lang) === primaryOf(wanted)) ?? null;
}

/** The language without its region: `de` of `de-AT`. */
export function primaryOf(tag: string): string {
  return tag.split('-', 1)[0]?.toLowerCase() ?? '';
}

/** What a scope means, in the language of the page if it has a text for it. */
export function scopeText({ name, description }: ScopeView, { scopes }: Messages): string {
  const text = Object.hasOwn(scopes, name) ? scopes[name] : undefined;
  if (text === undefined) return description;
  // A standard scope that the configuration describes in words of its own may mean something else.
  const isOurs = BUILT_IN.some((built) => built.scopes[name] === text);
  return isOurs && description !== ENGLISH.scopes[name] ? description : text;
}
