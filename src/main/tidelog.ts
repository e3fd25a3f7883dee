/** `tidelog <tool>`, and each tool under its own name: the program behind bin/. */
import { runProgram } from './tools/program.ts';

void runProgram(process.argv.slice(2));
