/**
 * Lines in which attempts of this process wait for a place. Only the head of a line asks the store,
 * so that waiting costs one query at a time, however many wait.
 */

/** The lines, by name. */
export interface WaitingLines {
  /** True while somebody waits under this name. */
  isOccupied(name: string): boolean;
  /**
   * Waits until the caller is the head of the line; at most so many milliseconds. False when that
   * time passed, or the line is too long; then the caller is not in it.
   */
  join(name: string, milliseconds: number): Promise<boolean>;
  /** The head waits: until a place is given back in this process, or so many milliseconds. */
  pause(name: string, milliseconds: number): Promise<void>;
  /** The head leaves the line. The next one is the head. */
  leave(name: string): void;
  /** A place was given back. */
  wake(name: string): void;
}

/** The one who asks, and those who wait until it has left. */
interface Line {
  readonly others: (() => void)[];
  wakeHead: (() => void) | null;
}

/** @param longest how many wait in one line at most */
export function createWaitingLines(longest: number): WaitingLines {
  const lines = new Map<string, Line>();
  return {
    isOccupied: (name) => lines.has(name),
    async join(name, milliseconds) {
      const line = lines.get(name);
      if (line === undefined) {
        lines.set(name, { others: [], wakeHead: null });
        return true;
      }
      if (line.others.length >= longest) return false;
      return await new Promise((resolve) => {
        const turn = (): void => {
          clearTimeout(timer);
          resolve(true);
        };
        const timer = setTimeout(() => {
          // At once, so that nobody makes it the head any more.
          line.others.splice(line.others.indexOf(turn), 1);
          resolve(false);
        }, milliseconds);
        line.others.push(turn);
      });
    },
    async pause(name, milliseconds) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        const line = lines.get(name);
        if (line === undefined) return;
        line.wakeHead = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
    leave(name) {
      const next = lines.get(name)?.others.shift();
      if (next === undefined) lines.delete(name);
      else next();
    },
    wake(name) {
      lines.get(name)?.wakeHead?.();
    },
  };
}
