// Files.
export { type Input, listInputs, readInput } from './files.ts';
export { type InputAccount, ReadInput, type ReadOptions } from './read-file.ts';
