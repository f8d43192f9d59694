/**
 * What comes next: a pure decision from facts. Nobody else decides it; pages never lead to one
 * another.
 */
import type { OAuthError } from '../protocol/errors.ts';
import type { Session } from '../store/records.ts';
import type { Due, Situation, Step } from './contracts/step.ts';

/** The first step that is due, the refusal one of them demands, or the end. */
export type Next =
  | { readonly next: 'step'; readonly step: Step; readonly due: Due }
  | { readonly next: 'refuse'; readonly because: string; readonly error: OAuthError }
  | { readonly next: 'done'; readonly session: Session };

/** @param steps in the order in which they are asked */
export function nextStep(steps: readonly Step[], situation: Situation): Next {
  for (const step of steps) {
    if (!(step.flows?.includes(situation.flow) ?? true)) continue;
    const due = step.due(situation);
    if (due === null) continue;
    if (due.refuse !== undefined)
      return { next: 'refuse', because: due.because, error: due.refuse };
    return { next: 'step', step, due };
  }
  const { session } = situation;
  if (session === null) throw new Error('No step asked for a login.');
  return { next: 'done', session };
}
