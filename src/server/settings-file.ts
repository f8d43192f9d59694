/**
 * Finds and reads the settings file: JSON, or a module whose default export is an object. A module
 * can also contain features and templates. `settings.ts` checks the values.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BUILT_IN_FEATURES } from 'valetkey';
import type { AnyFeature, GivenSettings } from './settings-table.ts';

const FILES: readonly string[] = ['valetkey.config.json', 'valetkey.config.mjs'];

/** Where settings come from. `overrides` win over the environment, and that over the file. */
export interface SettingSources {
  /** The environment variables, such as `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * Path of the settings file.
   * @default the variable VALETKEY_CONFIG; otherwise `valetkey.config.json` or
   * `valetkey.config.mjs` in the working folder, if one exists
   */
  readonly configFile?: string;
  /**
   * Settings of the command line, by path.
   * @default none
   */
  readonly overrides?: GivenSettings;
}

/** A settings file and its content. */
export interface SettingsFile {
  /** Path of the file; null when there is none. */
  readonly path: string | null;
  /** The object in the file; empty when the file cannot be used. */
  readonly content: Readonly<Record<string, unknown>>;
  /** Why the file cannot be used; null when it can. */
  readonly problem: string | null;
}

/** Reads the settings file. It never throws: a problem is part of the result. */
export async function readSettingsFile({
  configFile,
  env,
}: Omit<SettingSources, 'overrides'>): Promise<SettingsFile> {
  const there = FILES.filter((name) => existsSync(name));
  const path = configFile ?? env['VALETKEY_CONFIG'] ?? there[0] ?? null;
  if (path === null) return { path, content: {}, problem: null };
  if (path === there[0] && there.length > 1)
    return { path, content: {}, problem: `is there beside ${there[1]}: keep one of them.` };
  try {
    const content: unknown = path.endsWith('.json')
      ? JSON.parse(readFileSync(path, 'utf8'))
      : ((await import(pathToFileURL(resolve(path)).href)) as { default?: unknown }).default;
    if (isMap(content)) return { path, content, problem: null };
    return { path, content: {}, problem: 'must contain an object.' };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { path, content: {}, problem: `cannot be read: ${why}.` };
  }
}

/**
 * The features in force: the built-in ones, and those of the settings file (`features: […]`). A
 * feature of the file replaces a built-in one of the same name.
 */
export function featuresOf({ content }: Pick<SettingsFile, 'content'>): readonly AnyFeature[] {
  const own = ownFeatures(content['features']);
  const names = own.map(({ featureName }) => featureName);
  return [...BUILT_IN_FEATURES.filter(({ featureName }) => !names.includes(featureName)), ...own];
}

/** The feature factories in a value. `settings.ts` reports a value that is not one. */
export function ownFeatures(value: unknown): readonly AnyFeature[] {
  return Array.isArray(value) ? value.filter(isFeatureFactory) : [];
}

/** True for a function that `defineFeature` returned. */
export function isFeatureFactory(value: unknown): value is AnyFeature {
  return typeof value === 'function' && 'featureName' in value && 'options' in value;
}

/** True for an object that is not a list. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
