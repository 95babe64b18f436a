#!/usr/bin/env node
// Plain JavaScript that any Node reads: an older one is told what is wrong, instead of a syntax error somewhere in the bundle.
if (Number(process.versions.node.split('.')[0]) < 22) {
  process.stderr.write(`rootspan: needs Node 22 or newer, this is ${process.version}\n`);
  process.exit(2);
}
import('../../dist/cli/rootspan.js').catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  process.stderr.write('rootspan: is not built here; in a checkout: npm run -s rootspan -- …\n');
  process.exit(2);
});
