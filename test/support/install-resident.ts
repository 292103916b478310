import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { executablesDir } from './binaries.ts';
import { run } from './process.ts';

/**
 * Before a project's tests: has the built executable install itself for calls that an agent serves. Where that cannot be
 * done, the reason is printed, and only what needs it fails or is skipped.
 */
export default async function installResident(): Promise<() => void> {
  const dir = mkdtempSync(`${tmpdir()}/fl-resident-`);
  const { status, stderr } = await run({
    file: `${executablesDir}/fairlead`,
    args: ['install', '--resident', '--dir', dir],
    timeoutMs: 60_000,
  });
  if (status === 0) process.env.FAIRLEAD_RESIDENT_BIN = dir;
  else console.log(`the resident way cannot be tested: ${stderr.trim()}`);
  return () => rmSync(dir, { recursive: true, force: true });
}
