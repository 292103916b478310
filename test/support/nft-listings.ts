import { readFileSync } from 'node:fs';
import type { Command } from '../../lib/exec/command.ts';
import { openHomeNftables } from '../../lib/exec/home-nftables.ts';
import { createInNetns } from '../../lib/exec/netns.ts';
import { rememberListings } from '../../lib/exec/remembered-listings.ts';
import { createSpawnSyncRunner } from '../../lib/exec/spawn-runner.ts';

// Asks nft as a resident process does, in turn with others that change the ruleset, as a file in JSON tells.

/** A command of this process's or of another program's, in this namespace or in another one. */
export type ListingStep = {
  readonly by: 'us' | 'others';
  readonly args: readonly string[];
  readonly netns?: string;
};

/** What came of one. */
export type ListingAnswer = { readonly processes: number; readonly status: number; readonly stdout: string };

const steps = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as readonly ListingStep[];
const spawn = createSpawnSyncRunner(process.env.PATH);
const inNetns = createInNetns(() => process.exit(1));
let processes = 0;

const run = rememberListings((command: Command) => {
  processes += 1;
  return spawn(command);
}, openHomeNftables());

console.log(JSON.stringify(steps.map(take)));

function take({ by, args, netns }: ListingStep) {
  processes = 0;
  const ask = () => (by === 'us' ? run : spawn)({ file: 'nft', args });
  const { status, stdout } = netns === undefined ? ask() : inNetns(netns, ask);
  return { processes, status, stdout };
}
