/**
 * The page for every refusal that is not sent to the redirect URI of the client. The core decides
 * which refusals those are.
 */
import type { ErrorView } from 'valetkey';
import { primaryOf } from './languages.ts';
import { returnLink, type Sheet } from './layout.ts';
import { markup } from './markup.ts';
import type { Messages } from './messages.ts';

/** The template of the error page. */
export function error(view: ErrorView, { lang, error: texts }: Messages): Sheet {
  const title = texts.title(view.status);
  // The core describes refusals in English; a screen reader pronounces them so.
  const english = primaryOf(lang) !== 'en' && markup` lang="en"`;
  return {
    title,
    content: markup`<h1 id="error-title">${title}</h1>
<p id="error-description" class="lead"${english}>${view.description}</p>
<p>${texts.advice(view.status)}</p>
${returnLink('error-return', view.returnTo, texts)}
<h2 class="unseen">${texts.details}</h2>
<dl class="details">
<div><dt>${texts.code}</dt><dd id="error-code">${view.code}</dd></div>
<div><dt>${texts.reason}</dt><dd id="error-reason">${view.reason}</dd></div>
<div><dt>${texts.request}</dt><dd id="error-request">${view.requestId}</dd></div>
</dl>`,
  };
}
