/** Modules of Node that take milliseconds to load come with their first use: a start that needs none of one does not pay for it. */

export const loadCrypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto');
