import { existsSync } from 'node:fs';
import type { TestContext } from 'vitest';
import { skipUnless } from './skip.ts';
import { toolPath } from './tool-path.ts';

/** Compiled with few of its plugins; see `coredns_plugins` in scripts/registry-servers.sh. */
export const corednsPath = toolPath('coredns', 'v1.14.7');

/** Skips a test where there is no CoreDNS. */
export function requireCoredns(context: TestContext): void {
  skipUnless(context, existsSync(corednsPath), `there is no coredns at ${corednsPath}; COREDNS may name one`);
}
