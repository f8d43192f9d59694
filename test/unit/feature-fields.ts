/** Fields of clients, as features add them. */
import type { FeatureField } from '../../src/protocol/client-fields.ts';

const ENTRY = { flag: 'x', setBy: 'client', description: 'x' } as const;
const LEVEL: FeatureField<string> = {
  ...ENTRY,
  wireName: 'x_level',
  kind: ['low', 'high'],
  default: 'low',
};
const LIMIT: FeatureField<string> = {
  ...ENTRY,
  wireName: 'x_limit',
  kind: 'text',
  default: '',
  check: (value) => (/^[0-9]+$/.test(value) ? null : 'is no number'),
};
const MARK: FeatureField<boolean> = { ...ENTRY, wireName: 'x_mark', kind: 'flag', default: false };
const OWNERS: FeatureField<readonly string[] | null> = {
  ...ENTRY,
  wireName: 'x_owners',
  kind: 'texts',
  nullable: true,
  default: null,
};
export const KNOWN = [LEVEL, LIMIT, MARK, OWNERS] as unknown as readonly FeatureField[];
