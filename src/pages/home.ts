/**
 * The page at the root of the standalone server, for people who open its address in a browser. A
 * library that is embedded shows none.
 */
import type { PageView } from 'valetkey';
import { type Sheet, wayOn } from './layout.ts';
import { markup } from './markup.ts';
import type { Messages } from './messages.ts';

/** What the page at the root knows. */
export interface HomeView extends PageView {
  /** URL of the discovery document. */
  readonly discoveryUrl: string;
}

/** The template of the page at the root. */
export function home(view: HomeView, { home: texts }: Messages): Sheet {
  const link = markup`<a href="${view.discoveryUrl}">${texts.discovery}</a>`;
  return {
    title: texts.title,
    content: markup`<h1 id="home-title">${texts.title}</h1>
<p>${texts.lead}</p>
<p>${texts.setup(link)}</p>
${view.accountUrl !== null && wayOn(view.accountUrl, texts.account, 'home-account')}`,
  };
}
