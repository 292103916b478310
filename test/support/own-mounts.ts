import { writeFileSync } from 'node:fs';
import { binDir } from './binaries.ts';
import type { CallOptions, Rig } from './rig.ts';

/** Our executable in a mount namespace of its own, in which lines of sh have mounted something before. */
export function afterMounting(rig: Rig, plugin: string, lines: string): CallOptions {
  const script = `${rig.dir}/${plugin}-after-mounting`;
  writeFileSync(
    script,
    `#!/bin/sh -e
if [ "$1" != inside ]; then exec unshare --mount "$0" inside; fi
${lines}
exec ${binDir}/${plugin}
`,
    { mode: 0o755 },
  );
  // Where an agent serves calls, it is not of this mount namespace.
  return { binary: script, mayFallBack: true };
}
