/** The response mode form_post, and its page. */
import type { FormView, PageView } from '../../domain/pages.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import type { ResponseMode } from '../../engine/contracts/response-type.ts';
import { redirectTarget } from '../../protocol/redirect-uri.ts';
import { definePage, drawPage, pageView } from '../../web/page.ts';

/**
 * The page that carries a response to an application. Its form comes first on the page, and its
 * button has no name: the application gets the hidden fields and nothing else. A script of the core
 * submits the form at once; the button is for browsers that do not run it.
 */
export interface FormPostView extends PageView {
  /** Host of the application. */
  readonly host: string;
  /** The form of the page. */
  readonly form: FormView;
}

const page = definePage<FormPostView>('formPost');
const SUBMIT = 'document.forms[0].submit()';

const mode: ResponseMode = {
  name: 'form_post',
  carriesTokens: true,
  send(ctx, { redirectUri }, fields) {
    const { host } = redirectTarget(redirectUri);
    const view = { ...pageView(ctx), host, form: { action: redirectUri, fields } };
    // Form Post Response Mode §2: an HTML form that a script submits at once.
    return drawPage(ctx, page, view, {
      inPopup: true,
      formGoesTo: redirectUri,
      runs: SUBMIT,
      headers: { 'Referrer-Policy': 'no-referrer' },
    });
  },
};

/** The response mode form_post (OAuth 2.0 Form Post Response Mode). */
export const formPost: FeatureFactory = defineFeature({
  name: 'form-post',
  description: 'The response mode form_post (OAuth 2.0 Form Post Response Mode)',
  options: {},
  create: () => ({ responseModes: [mode], pages: [page] }),
});
