/** A node as a library. */
export { startNode, type Node, type NodeOptions } from './node.ts';
export { connectionsMaxFor, openFilesMax } from './openFiles.ts';
export { ListenError, type BoundListener } from '../server/index.ts';
