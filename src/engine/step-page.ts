/**
 * The page of a step: a view for its template, with a form that is bound to browser and session.
 */
import { type Interaction, sessionMark } from '../domain/interactions.ts';
import { clientView, drawPage, pageView } from '../web/page.ts';
import type { RequestContext } from '../web/request.ts';
import type { Due, Notice, Situation, Step } from './contracts/step.ts';
import { formFields } from './forms.ts';
import { uiLocales } from './parameters.ts';

/** The URL of the host's own page for a step; null when we draw it. */
export function hostPageOf({ settings }: RequestContext, { page }: Step): URL | null {
  const given = page.address ?? settings.pages[page.name];
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
  const { client, request, redirectUri } = situation;
  const fields = await formFields(ctx, step.name, drawnFor(situation, step));
  const view = {
    ...pageView(ctx, uiLocales(request)),
    client: clientView(ctx, client, redirectUri),
    form: { action: ctx.url('interaction'), fields: { ...fields, step: step.name } },
    ...step.view(ctx, situation, due, notice),
  };
  return drawPage(ctx, step.page, view, {
    ...(redirectUri === null ? { form: true } : { formGoesTo: redirectUri }),
    inPopup: situation.flow === 'authorize',
    status: notice?.status ?? 200,
    headers: notice?.headers ?? {},
  });
}

/** The interaction with what the page of a step shows, and to whom; an answer is held to both. */
export function drawnFor(situation: Situation, step: Step): Interaction {
  const { interaction, session } = situation;
  const added = step.shows === undefined ? {} : { [step.name]: step.shows(situation) };
  return {
    ...interaction,
    shown: { ...interaction.shown, ...added },
    shownTo: step.anySession === true ? null : sessionMark(session),
  };
}
