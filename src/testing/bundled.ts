/** What dist/library/testing.cjs exports. */
export * from './index.ts';
export { keepCodeBy } from './keptCode.ts';
