// Plain JavaScript that any Node reads: run before everything else (`node --import`), it says what is wrong where the
// project's own Node is not there, instead of "Unknown file extension .ts".
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `rootspan: needs Node 24, this is ${process.version}; run "npm ci" with install scripts allowed (it brings Node 24), then use the npm scripts\n`,
  );
  process.exit(2);
}
