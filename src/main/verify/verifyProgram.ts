/** `tidelog-verify`: looks stores over, and repairs them where asked. */
import { parseArgs } from 'node:util';
import { openDisk } from '../../storage/disk/index.ts';
import { systemPorts } from '../../storage/open.ts';
import { repairStore } from '../../storage/verify/repair.ts';
import { verifyStore } from '../../storage/verify/verify.ts';
import type { Problem, VerifyReport } from '../../storage/verify/verify.ts';

export const ExitCode = { sound: 0, damaged: 1, cannotTell: 2, wrongUse: 64 } as const;

const USAGE = `Usage: tidelog-verify [--repair] [--json] [--quiet] FOLDER...

Reads every batch of the stores (log directories) in the folders, checks checksums, framing, offsets, indexes and the small files beside them.
Without --repair nothing is changed; a store may be verified while it is written.

  --repair   Put damaged bytes aside into <log>.damaged, cut torn and corrupt ends, make indexes anew; the store must not be in use.
  --json     One line of JSON for each store instead of text.
  --quiet    No progress.
  --help     This text.

Exit codes: 0 sound, or repaired and sound now; 1 damaged; 2 a store could not be looked at (not there, not readable, in use); 64 wrong use.
`;

export interface ProgramOutput {
  out(text: string): void;
  progress(text: string): void;
}

/** Returns the exit code. */
export async function runVerify(argv: readonly string[], output: ProgramOutput): Promise<number> {
  const options = parse(argv);
  if (options === null || (options.folders.length === 0 && !options.help)) {
    output.progress(USAGE);
    return ExitCode.wrongUse;
  }
  if (options.help) {
    output.out(USAGE);
    return ExitCode.sound;
  }
  let worst: number = ExitCode.sound;
  for (const folder of options.folders) worst = Math.max(worst, await verifyOne(folder, options, output));
  return worst;
}

interface Options {
  readonly folders: readonly string[];
  readonly repair: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly help: boolean;
}

function parse(argv: readonly string[]): Options | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { repair: { type: 'boolean' }, json: { type: 'boolean' }, quiet: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    return { folders: positionals, repair: values.repair ?? false, json: values.json ?? false, quiet: values.quiet ?? false, help: values.help ?? false };
  } catch {
    return null;
  }
}

async function verifyOne(folder: string, options: Options, output: ProgramOutput): Promise<number> {
  const disk = openDisk();
  const say = options.json ? () => {} : (text: string) => output.out(`${text}\n`);
  try {
    const look = (): Promise<VerifyReport> => verifyStore(folder, { disk, onProblem: (problem) => say(textOf(problem)), onProgress: progressTo(options, output) });
    let report = await look();
    const before = report.problems.length;
    const isRepaired = options.repair && before > 0;
    if (isRepaired) {
      await repairStore(folder, report, { disk, ports: systemPorts, onAside: (path) => say(`damaged bytes were put aside into ${path}`) });
      report = await look();
    }
    tell(folder, report, isRepaired ? before : 0, options, output);
    return report.problems.length === 0 ? ExitCode.sound : ExitCode.damaged;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    output.out(options.json ? `${JSON.stringify({ folder, error: message })}\n` : `${folder}: ${message}\n`);
    return ExitCode.cannotTell;
  } finally {
    await disk.close();
  }
}

const textOf = ({ kind, path, position, message }: Problem): string => `${kind}: ${path}${position < 0 ? '' : ` at ${position}`}: ${message}`;

/** A line for each tenth of the way. */
function progressTo(options: Options, output: ProgramOutput): (progress: { readonly log: string; readonly doneBytes: number; readonly totalBytes: number }) => void {
  let told = 0;
  return ({ log, doneBytes, totalBytes }) => {
    const percent = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100);
    if (options.quiet || percent < told + 10) return;
    told = percent;
    output.progress(`${percent} % of ${totalBytes} bytes, at ${log}\n`);
  };
}

function tell(folder: string, report: VerifyReport, repaired: number, options: Options, output: ProgramOutput): void {
  if (options.json) return output.out(`${JSON.stringify({ folder, ...report, repaired })}\n`);
  const { logs, segments, batches, records, bytes, problems, isInUse } = report;
  const state = problems.length > 0 ? `${problems.length} problems` : repaired > 0 ? `${repaired} problems repaired` : 'sound';
  output.out(`${folder}: ${state}; ${logs} logs, ${segments} segments, ${batches} batches, ${records} records, ${bytes} bytes${isInUse ? '; in use, newest segments not to their ends' : ''}\n`);
}
