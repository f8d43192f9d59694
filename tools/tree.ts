/** Files of a folder, for the tools that read the repository. */
import { existsSync, readdirSync } from 'node:fs';

/**
 * Paths of all files below `folder` that end in `ending`, from the root of the repository, in
 * alphabetical order.
 */
export function filesUnder(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort();
}
