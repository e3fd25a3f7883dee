/** For the programs of this folder: see launch.cjs. */
import { createRequire } from 'node:module';

export const { launch } = createRequire(import.meta.url)('./launch.cjs');
