/** "Did you mean …?": the known name that takes the fewest edits. What to do with it is the caller's. */

/** The closest of `known`; the case of letters does not count. */
export function nearest(name: string, known: readonly string[]): string {
  const distances = known.map((one) => ({ one, edits: editsBetween(name.toLowerCase(), one.toLowerCase()) }));
  return distances.sort((a, b) => a.edits - b.edits)[0]?.one ?? '';
}

/** Levenshtein's distance, a row at a time. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (letter === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
