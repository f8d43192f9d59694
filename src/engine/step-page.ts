/**
 * The page of a step: a view for its template, with a form that is bound to browser and session.
 */
import { clientView, drawPage, pageView } from '../web/page.ts';
import type { RequestContext } from '../web/request.ts';
import type { Due, Notice, Situation, Step } from './contracts/step.ts';
import { formFields } from './forms.ts';
import { uiLocales } from './parameters.ts';

/** The URL of the host's own page for a step; null when we draw it. */
export function hostPageOf({ settings }: RequestContext, { page }: Step): URL | null {
  const given = settings.pages[page.name];
  return typeof given === 'string' ? new URL(given, settings.issuer) : null;
}

/** Draws the page of a step. */
export async function drawStep(
  ctx: RequestContext,
  situation: Situation,
  step: Step,
  due: Due,
  notice: Notice | null,
): Promise<Response> {
  const { interaction, session, client, request, redirectUri } = situation;
  const shown = { ...interaction.shown, ...shownBy(step, situation) };
  const drawnFor = step.anySession === true ? null : session;
  const fields = await formFields(ctx, step.name, { ...interaction, shown }, drawnFor);
  const view = {
    ...pageView(ctx, uiLocales(request)),
    client: clientView(client, redirectUri),
    form: { action: ctx.url('interaction'), fields: { ...fields, step: step.name } },
    ...step.view(ctx, situation, due, notice),
  };
  return drawPage(ctx, step.page, view, {
    ...(redirectUri === null ? { form: true } : { formGoesTo: redirectUri }),
    status: notice?.status ?? 200,
    headers: notice?.headers ?? {},
  });
}

function shownBy(step: Step, situation: Situation): Readonly<Record<string, unknown>> {
  return step.shows === undefined ? {} : { [step.name]: step.shows(situation) };
}
