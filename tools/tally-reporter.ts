/**
 * A vitest reporter that prints `N passed, N failed` as the very last line, for people and for
 * scripts that read only the end of a log. A file that does not load and an error outside of any
 * test count as failures. A run without a passed test fails too.
 */
import { writeSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

function count(modules: readonly TestModule[], outside: readonly SerializedError[]): Tally {
  const tally: Tally = { passed: 0, failed: outside.length, skipped: 0 };
  for (const module of modules) {
    const failedBefore = tally.failed;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') tally.passed += 1;
      else if (state === 'failed') tally.failed += 1;
      else tally.skipped += 1;
    }
    // An import or a hook failed, although none of the tests did.
    if (module.state() === 'failed' && tally.failed === failedBefore) tally.failed += 1;
  }
  return tally;
}

function line({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

export default class TallyReporter implements Reporter {
  private last: Tally | null = null;

  onInit(): void {
    // Print at exit, because the other reporters print their summaries after the run. Print once,
    // because watch mode runs many times.
    process.once('exit', () => {
      const tally = this.last ?? { passed: 0, failed: 0, skipped: 0 };
      if (tally.passed === 0 || tally.failed > 0) process.exitCode = 1;
      writeSync(1, `${line(tally)}\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], outside: readonly SerializedError[]): void {
    this.last = count(modules, outside);
  }
}
