/**
 * The settings file: JSON, or a module whose default export is an object. A module may bring
 * features.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BUILT_IN_FEATURES } from 'valetkey';
import type { AnyFeature, GivenSettings } from './settings-table.ts';

const FILES: readonly string[] = ['valetkey.config.json', 'valetkey.config.mjs'];

/** Where settings come from. */
export interface SettingSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of the file. @default `valetkey.config.json` or `.mjs` in the working folder, if there */
  readonly configFile?: string;
  /** From the command line; wins. */
  readonly overrides?: GivenSettings;
}

/** What a settings file holds. */
export interface SettingsFile {
  /** Null when there is none. */
  readonly path: string | null;
  readonly content: Readonly<Record<string, unknown>>;
  /** What is wrong with the file itself; null: nothing. */
  readonly problem: string | null;
}

/** Reads the file that is named, or the one that is there. Never throws. */
export async function readSettingsFile({
  configFile,
  env,
}: Omit<SettingSources, 'overrides'>): Promise<SettingsFile> {
  const path =
    configFile ?? env['VALETKEY_CONFIG'] ?? FILES.find((name) => existsSync(name)) ?? null;
  if (path === null) return { path, content: {}, problem: null };
  try {
    const content: unknown = path.endsWith('.json')
      ? JSON.parse(readFileSync(path, 'utf8'))
      : ((await import(pathToFileURL(resolve(path)).href)) as { default?: unknown }).default;
    if (isMap(content)) return { path, content, problem: null };
    return { path, content: {}, problem: 'does not hold an object.' };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { path, content: {}, problem: `cannot be read: ${why}.` };
  }
}

/**
 * The features in force: those that are built in, and those that the file brings (`features: […]`).
 */
export function featuresOf({ content }: Pick<SettingsFile, 'content'>): readonly AnyFeature[] {
  const own = ownFeatures(content['features']);
  const names = own.map(({ featureName }) => featureName);
  return [...BUILT_IN_FEATURES.filter(({ featureName }) => !names.includes(featureName)), ...own];
}

/** Functions that `defineFeature` made. What is none is told when the settings are read. */
export function ownFeatures(value: unknown): readonly AnyFeature[] {
  return Array.isArray(value) ? value.filter(isFeatureFactory) : [];
}

/** True for what `defineFeature` makes. */
export function isFeatureFactory(value: unknown): value is AnyFeature {
  return typeof value === 'function' && 'featureName' in value && 'options' in value;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
