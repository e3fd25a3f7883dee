/** `tidelog <tool>`, and each tool under its own name: the program behind bin/. */
import { runProgram } from './tools/program.ts';

await runProgram(process.argv.slice(2));
