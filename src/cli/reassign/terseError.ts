import { ToolError } from '../toolError.ts';

/** What Kafka's tool prints as it is; other failures are printed after `Error: `. */
export class TerseError extends ToolError {}
