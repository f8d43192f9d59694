/**
 * Fields that features add to clients, as values: `requirePar(client)` reads what holds for a
 * client.
 */
import type { FeatureField } from '../../protocol/client-fields.ts';
import type { Client } from '../../store/records.ts';

/** A field. Called with a client it returns what holds there. */
export interface ClientField<T = unknown> {
  /** The value of the field for this client. */
  (client: Pick<Client, 'fields'>): T;
  /** What it was made from. */
  readonly definition: FeatureField<T>;
}

/** Makes a field from its definition. */
export function clientField<T>(definition: FeatureField<T>): ClientField<T> {
  const { wireName } = definition;
  const fieldOf = ({ fields }: Pick<Client, 'fields'>): T =>
    Object.hasOwn(fields, wireName) ? (fields[wireName] as T) : definition.default;
  return Object.assign(fieldOf, { definition });
}
