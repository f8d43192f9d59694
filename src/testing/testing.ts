/**
 * `valetkey/testing`: tools for a host's own tests. Accounts in memory, a browser without a screen,
 * the laws of the store port as checks, and sample records for tests of stores.
 */
export { type MemoryAccount, type MemoryAccounts, memoryAccounts } from './memory-accounts.ts';
export {
  type Fetch,
  type PageForm,
  readForm,
  type ScriptedBrowser,
  scriptedBrowser,
  type Visit,
} from './scripted-browser.ts';
export {
  extend,
  insertCode,
  issueFreely,
  type Rotation,
  redeem,
  rotate,
  type TokenIssue,
} from './store-acts.ts';
export type { StoreCase } from './store-case.ts';
export { storeContract } from './store-contract.ts';
export {
  type Facts,
  type SampleCode,
  type SampleFamily,
  type SampleIssue,
  sample,
  withClient,
  withCode,
  withFamily,
} from './store-samples.ts';
