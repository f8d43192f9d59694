/** The part of the store port that keeps APIs which operators registered (RFC 8707). */
import type { ActRow, Digest, Seconds } from './records.ts';

/** An API as it is stored. */
export interface StoredResource {
  /** Digest of its identifier in one spelling. */
  readonly digest: Digest;
  /** What is registered, as JSON. The store does not read it. */
  readonly definition: string;
  /** 1 when it is registered; goes up by one with every change. */
  readonly version: number;
  /** When it was registered. */
  readonly createdAt: Seconds;
  /** When it last changed. */
  readonly updatedAt: Seconds;
}

/** APIs that operators registered. There are few of them, so they are read together. */
export interface ResourceStore {
  /** All of them, in order of their digests. */
  list(): Promise<readonly StoredResource[]>;
  /** One atomic act: false when there is one of this digest, and then nothing changes. */
  insert(resource: StoredResource, audit: ActRow): Promise<boolean>;
  /**
   * Compare and swap: replaces the record only if the stored one has the version before
   * `resource.version`. Of any number of concurrent changes of one version exactly one sees true.
   */
  replace(resource: StoredResource, audit: ActRow): Promise<boolean>;
  /** Deletes it. False when there was none. */
  delete(digest: Digest, audit: ActRow): Promise<boolean>;
}
