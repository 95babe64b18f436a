/** How a checkout comes by a function's code, and how one calls its command line; in the package `packaged-code.ts` stands here. */
import { bundleFunction } from './bundle-function.ts';

/** @param entry the module that exports `handler`, from the root of the repository */
export function writeFunction(entry: string, folder: string): void {
  bundleFunction(entry, folder);
}

export const commandLine = 'npm run -s rootspan --';
