import { parseNetConf } from '../../lib/cni/netconf.ts';
import { createMachine } from '../../lib/exec/machine.ts';
import { createInNetns } from '../../lib/exec/netns.ts';
import { noShortcut } from '../../lib/exec/shortcut.ts';
import { createSpawnSyncRunner } from '../../lib/exec/spawn-runner.ts';
import { type ForeignRules, releaseForeign } from '../../lib/takeover/foreign.ts';
import { toCall } from './calls.ts';

// Takes over the attachment that its argument tells of, in JSON, and prints what it starts.

type Wish = {
  readonly network: string;
  readonly containerId: string;
  readonly ifName: string;
  /** Of the previous result; there is none where they are undefined. */
  readonly addresses?: readonly string[];
  readonly kinds: readonly ForeignRules[];
};

const { network, containerId, ifName, addresses, kinds } = JSON.parse(process.argv[2] ?? '') as Wish;
const run = createSpawnSyncRunner(process.env.PATH);
const machine = createMachine({
  run: (command) => {
    console.log([command.file, ...command.args].join(' '));
    return run(command);
  },
  shortcut: noShortcut,
  startDetached: () => {
    throw new Error('nothing is started that nobody waits for');
  },
  inNetns: createInNetns(() => process.exit(1)),
});
const prevResult = addresses && { ips: addresses.map((address) => ({ address })) };
const call = toCall({});
releaseForeign(
  {
    ...call,
    conf: parseNetConf({
      cniVersion: '1.0.0',
      name: network,
      type: 'bridge',
      ...(prevResult && { prevResult }),
    }),
    attachment: { ...call.attachment, containerId, ifName: ifName as typeof call.attachment.ifName },
  },
  kinds,
  machine,
);
