import { readdirSync } from 'node:fs';
import { keepNetfilter } from '../../lib/exec/kept-netfilter.ts';
import { createInNetns } from '../../lib/exec/netns.ts';
import { findAttribute, netlinkFlag } from '../../lib/netlink/message.ts';
import { decodeNetfilter, netfilterRequest } from '../../lib/netlink/netfilter.ts';

// Asks netfilter for the tables of its own namespace and of another one, whose path is its argument, many times.

const inNetns = createInNetns(() => process.exit(1));
const open = keepNetfilter();
const request = netfilterRequest('nftables', 1, { flags: netlinkFlag.dump, family: 0, attributes: [] });

const first = { here: tables(), there: inNetns(process.argv[2] ?? '', tables), files: files() };
for (let round = 0; round < 1_000; round++) tables();
const brokenOff = breakOff();
console.log(JSON.stringify({ first, brokenOff, last: { here: tables(), files: files() } }));

function tables(): readonly string[] {
  using socket = open();
  const names: string[] = [];
  socket?.ask([request], (answer) => {
    names.push(`${findAttribute(decodeNetfilter(answer).attributes, 1)}`.replace('\0', ''));
  });
  return names;
}

/** A conversation that ends before all is heard. */
function breakOff(): string {
  using socket = open();
  try {
    socket?.ask([request], () => {
      throw new Error('heard enough');
    });
    return '';
  } catch (error) {
    return String(error);
  }
}

function files(): number {
  return readdirSync('/proc/self/fd').length;
}
