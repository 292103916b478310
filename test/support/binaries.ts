import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TestContext } from 'vitest';
import { skipUnless } from './skip.ts';

/** Where the built executables are; FAIRLEAD_BIN names another build than that of this tree. */
export const executablesDir = resolve(process.env.FAIRLEAD_BIN ?? `${import.meta.dirname}/../../dist/bin`);

/** Where `fairlead install --resident` has installed them (install-resident.ts); undefined where nothing has. */
export const residentDir = process.env.FAIRLEAD_RESIDENT_BIN;

/** Whether the calls of the tests are handed to an agent by the client, or else carried out by the executables. */
export const isResident = process.env.FAIRLEAD_WAY === 'resident';

/** What the tests call. */
export const binDir = isResident ? requireResidentDir() : executablesDir;

/** Where the client is, under the plugins' names. @throws Error where it could not be installed */
export function requireResidentDir(): string {
  if (residentDir !== undefined) return residentDir;
  throw new Error('nothing was installed by "fairlead install --resident"; what is printed above says why');
}

/** Where Debian's containernetworking-plugins, the reference, has its executables. */
export const referenceDir = '/usr/lib/cni';

/** What a call needs to run a reference plugin instead of ours. */
export function reference(plugin: string): { binary: string; env: { CNI_PATH: string } } {
  return { binary: `${referenceDir}/${plugin}`, env: { CNI_PATH: referenceDir } };
}

/** Skips a test where the reference is not installed. */
export function requireReference(context: TestContext, ...plugins: readonly string[]): void {
  const absent = plugins.filter((plugin) => !existsSync(`${referenceDir}/${plugin}`));
  skipUnless(context, absent.length === 0, `the reference has no ${absent.join(', ')} in ${referenceDir}`);
}

/** The number of rounds of a randomised test: few in every run, all of them with SOAK=1. */
export function rounds({ short, soak }: { short: number; soak: number }): number {
  return process.env.SOAK === '1' ? soak : short;
}

/** The time limit of a test whose rounds take so long each, in milliseconds. */
export function limitMs(count: number, eachMs: number): number {
  return Math.max(60_000, count * eachMs);
}
