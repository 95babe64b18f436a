import { basename } from 'node:path';

/** Where the package has a function: `functions/correlator/settle-handler.ts` is in `settle-handler`. */
export const functionFolder = (entry: string): string => basename(entry, '.ts');
