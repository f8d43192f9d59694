/** The contract of what identifies people to clients, where it is not the subject itself. */
import type { Client } from '../../store/records.ts';

/** One kind of subject identifiers. */
export interface SubjectIdentifier {
  /** Its name. */
  readonly name: string;
  /** The `sub` by which a client knows a subject; null where this kind is not the client's. */
  subjectFor(client: Client, sub: string): string | null;
}
