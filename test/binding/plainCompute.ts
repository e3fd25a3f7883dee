export { plainCompute } from '../../src/binding/plain.ts';
