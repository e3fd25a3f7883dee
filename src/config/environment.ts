import os from 'node:os';
import path from 'node:path';

/** What the defaults take from the machine. */
export interface ConfigEnvironment {
  /** Told to clients for a listener without a host. */
  readonly hostName: string;
  /** Where data goes when nothing is set: a folder that survives a reboot. */
  readonly defaultLogDir: string;
}

export function systemEnvironment(variables: NodeJS.ProcessEnv = process.env): ConfigEnvironment {
  const dataHome = variables['XDG_DATA_HOME'];
  const isUsable = dataHome !== undefined && path.isAbsolute(dataHome);
  return {
    hostName: os.hostname(),
    defaultLogDir: isUsable ? path.join(dataHome, 'tidelog') : path.join(os.homedir(), '.local', 'share', 'tidelog', 'data'),
  };
}
