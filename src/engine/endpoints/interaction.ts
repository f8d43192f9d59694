/**
 * Where people answer: the pages of all steps and their forms. GET shows the page that is due. POST
 * takes an answer, has its step judge it, and gives the outcome to the driver.
 */
import {
  type Interaction,
  isCodeForgotten,
  isDecisionExpired,
  isStale,
  restarted,
  sessionMark,
  withNewId,
} from '../../domain/interactions.ts';
import { OAuthError } from '../../protocol/errors.ts';
import type { Session } from '../../store/records.ts';
import { formTokenRefused, requireOwnForm } from '../../web/forms.ts';
import { redirectWithInteraction, resume, unknownInteraction } from '../continuation.ts';
import type { EngineContext } from '../contracts/context.ts';
import type { Endpoint } from '../contracts/endpoint.ts';
import { named } from '../contracts/engine.ts';
import type { Flow, OpenedFlow } from '../contracts/flow.ts';
import type { PostedAnswer, Step } from '../contracts/step.ts';
import { currentSession, isHosted } from '../current-session.ts';
import { refusing, settle, showPage, situationOf } from '../driver.ts';

/** The flows there are, by name. */
export type Flows = ReadonlyMap<string, Flow>;

export function interaction(flows: Flows): Endpoint {
  return {
    name: 'interaction',
    path: 'interaction/',
    methods: ['GET', 'POST'],
    errors: 'page',
    handle: async (ctx) =>
      ctx.request.method === 'POST' ? await takeAnswer(ctx, flows) : await show(ctx, flows),
  };
}

/** The flow of an interaction. @throws OAuthError for a page */
export function flowOf(flows: Flows, { flow }: Interaction): Flow {
  const found = flows.get(flow);
  if (found === undefined) throw unknownInteraction();
  return found;
}

async function show(ctx: EngineContext, flows: Flows): Promise<Response> {
  const resumed = await resume(ctx, ctx.request.query().get('interaction'));
  const idle = isStale(ctx, resumed);
  // A decision that the browser replays from its history no longer counts.
  const current = idle || isDecisionExpired(ctx, resumed) ? restarted(ctx, resumed) : resumed;
  const opened = await flowOf(flows, current).open(ctx, current);
  return await showPage(ctx, opened, current, idle ? { problem: 'idle' } : null);
}

async function takeAnswer(ctx: EngineContext, flows: Flows): Promise<Response> {
  const params = await ctx.request.form();
  const resumed = await resume(ctx, params.get('interaction'));
  const flow = flowOf(flows, resumed);
  const step = stepNamed(ctx, params.need('step'));
  const { session } = await currentSession(ctx);
  requireOwnForm(ctx, params.get('token'), {
    form: step.name,
    interaction: resumed,
    session: resumed.shownTo,
  });
  if (!holdsFor(step, resumed, session)) {
    // People sign in and out at the host without this provider, so ask the new session again.
    if (isHosted(ctx))
      return await redirectWithInteraction(ctx, flow.endpoint, restarted(ctx, resumed));
    throw formTokenRefused();
  }
  const current = renewedAsNeeded(ctx, resumed);
  const decision = params.need('decision');
  const opened = await flow.open(ctx, current);
  return await answerStep(ctx, opened, step, session, { decision, params, interaction: current });
}

/** The form was drawn for this session, or holds for any. */
function holdsFor(step: Step, { shownTo }: Interaction, session: Session | null): boolean {
  return step.anySession === true || shownTo === sessionMark(session);
}

/** The page was open for long, but the decision was made now, so it counts. */
function renewedAsNeeded(ctx: EngineContext, resumed: Interaction): Interaction {
  const { chosen, shown } = resumed;
  if (isStale(ctx, resumed)) return { ...restarted(ctx, resumed), chosen, shown };
  return isCodeForgotten(ctx, resumed) ? withNewId(ctx, resumed) : resumed;
}

function stepNamed({ engine }: EngineContext, name: string): Step {
  const step = named(engine.steps, name);
  if (step !== null) return step;
  throw new OAuthError(
    'invalid_request',
    'step',
    'The form belongs to no page that is known here.',
  );
}

/** Has a step judge an answer, given by a form or by a host's own page. */
export async function answerStep(
  ctx: EngineContext,
  opened: OpenedFlow,
  step: Step,
  session: Session | null,
  {
    decision,
    params,
    interaction: current,
  }: Pick<PostedAnswer, 'decision' | 'params' | 'interaction'>,
): Promise<Response> {
  return await refusing(ctx, opened, async () => {
    const situation = async () => await situationOf(ctx, opened, current);
    const posted = { decision, params, interaction: current, session, situation };
    return await settle(ctx, opened, current, session, step, await step.answer(ctx, posted));
  });
}
