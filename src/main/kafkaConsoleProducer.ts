import { producerTool } from '../cli/producer/producerTool.ts';
import { runToolProcess } from './tools/toolProcess.ts';

await runToolProcess(producerTool);
