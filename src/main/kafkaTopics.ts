import { topicsTool } from '../cli/topics/topicsTool.ts';
import { runToolProcess } from './tools/toolProcess.ts';

await runToolProcess(topicsTool);
