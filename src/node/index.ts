/** A node as a library. */
export { startNode, type Node, type NodeOptions } from './node.ts';
export type { FirstScramUser } from './firstScramUsers.ts';
export { connectionsMaxFor, openFilesMax } from './openFiles.ts';
export { ListenError, type BoundListener } from '../server/index.ts';
