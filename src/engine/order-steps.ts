/** The order of steps: those of the core as they stand, those of features where they say. */
import type { Refuse } from './contracts/options.ts';
import type { Step } from './contracts/step.ts';

/** @param refuse is told of places beside steps that are not there */
export function orderedSteps(steps: readonly Step[], refuse: Refuse): readonly Step[] {
  const ordered: Step[] = [];
  const waiting = [...steps];
  // A step may stand beside one that comes later in the list.
  for (let placed = true; placed && waiting.length > 0; ) {
    placed = false;
    for (const step of [...waiting]) {
      if (!place(ordered, step)) continue;
      waiting.splice(waiting.indexOf(step), 1);
      placed = true;
    }
  }
  for (const { name, before, after } of waiting) {
    refuse(
      'features',
      `bring the step ${name} beside the step ${before ?? after}, which is not there.`,
      'Name a step that is there.',
    );
  }
  return ordered;
}

/** Puts a step where it belongs; false when its neighbour is not there yet. */
function place(ordered: Step[], step: Step): boolean {
  const { before, after } = step;
  const neighbour = before ?? after;
  if (neighbour === undefined) {
    ordered.push(step);
    return true;
  }
  const index = ordered.findIndex(({ name }) => name === neighbour);
  if (index < 0) return false;
  ordered.splice(before === undefined ? index + 1 : index, 0, step);
  return true;
}
