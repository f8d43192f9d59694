/** Lists the files of a folder, for the tools that read the repository. */
import { existsSync, readdirSync } from 'node:fs';

/**
 * The paths of all files in `folder` and its subfolders whose names end in `ending`, relative to
 * the root of the repository, in alphabetical order.
 */
export function filesUnder(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort();
}
