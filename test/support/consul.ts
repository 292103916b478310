import { existsSync } from 'node:fs';
import type { TestContext } from 'vitest';
import { skipUnless } from './skip.ts';
import { toolPath } from './tool-path.ts';

/** Debian's last; an API of the same version 1 has been there since. */
export const consulPath = toolPath('consul', '1.8.7');

/** Skips a test where there is no Consul. */
export function requireConsul(context: TestContext): void {
  skipUnless(context, existsSync(consulPath), `there is no consul at ${consulPath}; CONSUL may name one`);
}
