/** The program behind bin/tidelog-verify. */
import { runVerify } from './verify/verifyProgram.ts';

void runVerify(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  progress: (text) => void process.stderr.write(text),
}).then((exitCode) => void (process.exitCode = exitCode));
