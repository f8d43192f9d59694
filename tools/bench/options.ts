/**
 * The options of the command line of the benchmark: their names, defaults and checks. A full run
 * and a quick one differ only in the defaults.
 */
import { parseArgs } from 'node:util';
import type { StoreName } from './servers/server.ts';

export interface Options {
  readonly stores: readonly StoreName[];
  /** Windows of each target, scenario and number of connections. */
  readonly repeats: number;
  /** Length of a window. */
  readonly milliseconds: number;
  /** The command with its options, for the page. */
  readonly command: string;
}

const STORES: readonly StoreName[] = ['memory', 'sqlite', 'postgres', 'mariadb'];
const FULL = { repeats: 5, milliseconds: 1500 };
const QUICK = { repeats: 1, milliseconds: 500 };

/** @throws Error with a message for people when an option is wrong */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      stores: { type: 'string' },
      repeats: { type: 'string' },
      ms: { type: 'string' },
    },
  });
  const { repeats, milliseconds } = values.quick ? QUICK : FULL;
  return {
    stores: values.stores === undefined ? STORES : values.stores.split(',').map(storeNamed),
    repeats: wholeNumber('--repeats', values.repeats) ?? repeats,
    milliseconds: wholeNumber('--ms', values.ms) ?? milliseconds,
    command: `npm run bench${args.length === 0 ? '' : ` -- ${args.join(' ')}`}`,
  };
}

function storeNamed(name: string): StoreName {
  const store = STORES.find((one) => one === name);
  if (store === undefined)
    throw new Error(`There is no store ${name}. The stores are ${STORES.join(', ')}.`);
  return store;
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw new Error(`${option} must be a whole number above 0.`);
  return Number(text);
}
