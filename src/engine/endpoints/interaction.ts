/**
 * Where people answer: the pages of all steps and their forms. GET shows the page that is due. POST
 * takes an answer, has its step judge it, and gives the outcome to the driver.
 */
import { whenAnswered, whenShown } from '../../domain/interactions.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { flowOf, resume } from '../continuation.ts';
import type { EngineContext } from '../contracts/context.ts';
import type { Endpoint } from '../contracts/endpoint.ts';
import { named } from '../contracts/engine.ts';
import type { Flows } from '../contracts/flow.ts';
import type { Step } from '../contracts/step.ts';
import { currentSession } from '../current-session.ts';
import { answerStep, showPage } from '../driver.ts';
import { askAgainAfterSwitch, requireOwnForm } from '../forms.ts';

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

async function show(ctx: EngineContext, flows: Flows): Promise<Response> {
  const resumed = await resume(ctx, ctx.request.query().get('interaction'));
  const { current, isIdle } = whenShown(ctx, resumed);
  const opened = await flowOf(flows, current).open(ctx, current);
  return await showPage(ctx, opened, current, isIdle ? { problem: 'idle' } : null);
}

async function takeAnswer(ctx: EngineContext, flows: Flows): Promise<Response> {
  const params = await ctx.request.form();
  const resumed = await resume(ctx, params.get('interaction'));
  const flow = flowOf(flows, resumed);
  const step = stepNamed(ctx, params.need('step'));
  const { session } = await currentSession(ctx);
  requireOwnForm(ctx, step.name, params, resumed);
  // Signing in is what makes a session, so the form of the login step is valid for any.
  if (step.anySession !== true) {
    const again = await askAgainAfterSwitch(ctx, flow.endpoint, resumed, session);
    if (again !== null) return again;
  }
  const current = whenAnswered(ctx, resumed);
  const decision = params.need('decision');
  const opened = await flow.open(ctx, current);
  return await answerStep(ctx, opened, step, session, { decision, params, interaction: current });
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
