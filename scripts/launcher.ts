// Owns what an installed program does first: see whether this Node can run it at all. The program itself is imported only
// then, since an older Node fails while it reads the imports, before a line of ours could speak.

/** Plain enough for any Node that reads modules. @param needed `22.19.0` */
export function launcherText(name: string, main: string, needed: string): string {
  const [major, minor] = needed.split('.').map(Number);
  return `#!/usr/bin/env node
// Sees whether this Node can run ${name}, and then does.
var own = process.versions.node.split('.').map(Number);
if (own[0] > ${major} || (own[0] === ${major} && own[1] >= ${minor})) {
  await import('./${main}');
} else {
  process.stderr.write(
    '${name}: needs Node ${major}.${minor} or newer, and this is Node ' + process.versions.node +
    '; install a newer one (https://nodejs.org/en/download) and start it with that\\n',
  );
  process.exitCode = 2;
}
`;
}
