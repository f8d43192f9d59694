/** The part of the memory store that keeps APIs which operators registered. */
import { type MemoryTables, recordAct } from './memory-tables.ts';
import type { ResourceStore } from './resources.ts';

export function resourceStore(tables: MemoryTables): ResourceStore {
  const { resources } = tables;
  return {
    async list() {
      return [...resources.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
    },
    async insert(resource, audit) {
      if (resources.has(resource.digest)) return false;
      resources.set(resource.digest, resource);
      recordAct(tables, audit);
      return true;
    },
    async replace(resource, audit) {
      const before = resources.get(resource.digest);
      if (before?.version !== resource.version - 1) return false;
      const { definition, version, updatedAt } = resource;
      resources.set(resource.digest, { ...before, definition, version, updatedAt });
      recordAct(tables, audit);
      return true;
    },
    async delete(digest, audit) {
      if (!resources.delete(digest)) return false;
      recordAct(tables, audit);
      return true;
    },
  };
}
