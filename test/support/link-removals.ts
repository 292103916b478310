import { readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { startLinkRemoval } from '../../lib/exec/link-removal.ts';
import { carryOutLinks } from '../../lib/exec/link-shortcut.ts';
import type { IfName } from '../../lib/net/ifname.ts';
import type { Mac } from '../../lib/net/mac.ts';
import type { IpOperation } from '../../lib/plan/operation.ts';

// Removes links of its own namespace, many at once, and asks for the end of every other one; prints in JSON how many files
// it had open before and after, and how many links it made, and how many it could not remove.
// Argument: how many times 40.

const atOnce = 40;
const names = Array.from({ length: atOnce }, (_, index) => `v${index}` as IfName);
const openFiles = () => readdirSync('/proc/self/fd').length;
const tally = { made: 0, refused: 0, ended: 0 };

await removeAll(names.slice(0, 4));
const before = openFiles();
for (let round = 0; round < Number(process.argv[2]); round += 1) await removeAll(names);
console.log(
  JSON.stringify({ ...tally, before, after: openFiles(), absent: startLinkRemoval('v0' as IfName) }),
);

async function removeAll(links: readonly IfName[]): Promise<void> {
  tally.made += carryOutLinks(links.map(pairOf));
  const removals = links.map(startLinkRemoval);
  tally.refused += removals.filter((removal) => removal === undefined).length;
  const asked = removals.filter((_, index) => index % 2 === 0);
  for (let waits = 0; waits < 1_000 && !asked.every((removal) => removal?.hasEnded()); waits += 1)
    await setTimeout(5);
  tally.ended += asked.filter((removal) => removal?.hasEnded()).length;
  const isThere = () => links.some((link) => startLinkRemoval(link) !== undefined);
  for (let waits = 0; waits < 1_000 && isThere(); waits += 1) await setTimeout(5);
  // The last callbacks follow the last link.
  await setTimeout(60);
}

function pairOf(name: IfName): IpOperation {
  const peer = { name: `p${name}` as IfName, mac: '02:00:00:00:00:02' as Mac };
  return { kind: 'add-veth', name, mac: '02:00:00:00:00:01' as Mac, mtu: 1500, peer };
}
