/** The check of the list of features: each by its own table of options. */
import { type Feature, isEnabled, optionGroup } from './engine/contracts/feature.ts';
import { checkOptions, hasMethods, isObject, type Refuse } from './engine/contracts/options.ts';

/** Tells every problem of a list of features. */
export function checkFeatures(value: unknown, option: string, refuse: Refuse): void {
  if (!Array.isArray(value)) {
    refuse(option, 'must be a list.', 'Write a list.');
    return;
  }
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const path = `${option}[${index}]`;
    if (!isFeature(item)) {
      const name =
        typeof item === 'function' ? (item as { featureName?: string }).featureName : null;
      const called = name == null ? 'deviceAuthorization' : optionGroup(name);
      const isList = Array.isArray(item) && item.every(isFeature);
      const help = isList
        ? 'Spread it: ...mcp().'
        : `Call it with its options, such as ${called}().`;
      refuse(path, isList ? 'is a list of features.' : 'is not a feature.', help);
      continue;
    }
    if (seen.has(item.name)) refuse(path, `is ${item.name} again.`, 'Name each feature once.');
    seen.add(item.name);
    checkOptions(item.options, item.given, `${optionGroup(item.name)}.`, refuse);
    checkSwitch(item, refuse);
  }
}

/**
 * Options of a feature that is off do nothing, which whoever wrote them does not expect. Who writes
 * as well that it is off keeps them for later.
 */
function checkSwitch(feature: Feature, refuse: Refuse): void {
  const { enabled, ...others } = feature.given;
  const isDecided = enabled !== undefined;
  // What is no option is told already, and may be the misspelt switch.
  const known = Object.keys(others).filter((name) => Object.hasOwn(feature.options, name));
  const first = known.find((name) => others[name] !== undefined);
  if (isDecided || isEnabled(feature) || first === undefined) return;
  const group = optionGroup(feature.name);
  refuse(
    `${group}.${first}`,
    'is given, but the feature is off.',
    `Set ${group}.enabled to true, or to false if this is for later.`,
  );
}

function isFeature(value: unknown): value is Feature {
  return hasMethods(value, 'contribute') && isObject(value) && isObject(value['options']);
}
