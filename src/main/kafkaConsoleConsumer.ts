import { consumerTool } from '../cli/consumer/consumerTool.ts';
import { runToolProcess } from './tools/toolProcess.ts';

await runToolProcess(consumerTool);
