/**
 * Files of the operator that the pages use: a logo and CSS rules. They are read once at start and
 * served as assets.
 */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { type Asset, ConfigError } from 'valetkey';
import type { BuiltInPagesOptions } from 'valetkey/pages';
import type { GivenSettings } from './settings-table.ts';

const PICTURES: Readonly<Record<string, string>> = {
  '.svg': 'image/svg+xml; charset=utf-8',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
};

/**
 * Reads the files that the settings name.
 * @throws ConfigError that names the setting when a file cannot be read or is not an image
 */
export function pageFiles(settings: GivenSettings): Pick<BuiltInPagesOptions, 'logo' | 'css'> {
  const logo = settings['logoFile'] as string | undefined;
  const style = settings['styleFile'] as string | undefined;
  return {
    ...(logo === undefined ? {} : { logo: picture(logo) }),
    ...(style === undefined ? {} : { css: read('styleFile', style).toString('utf8') }),
  };
}

function picture(path: string): Asset {
  const contentType = PICTURES[extname(path).toLowerCase()];
  if (contentType === undefined) {
    throw new ConfigError([
      {
        option: 'logoFile',
        problem: 'must name an image that pages can show.',
        remedy: 'Use a file of type svg, png, jpg or webp.',
      },
    ]);
  }
  return { contentType, body: read('logoFile', path) };
}

function read(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    throw new ConfigError([
      {
        option,
        problem: `names a file that cannot be read: ${path}.`,
        remedy: 'Check the path and its permissions.',
      },
    ]);
  }
}
