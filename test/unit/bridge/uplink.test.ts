import { expect, test } from 'vitest';
import { add } from '../../../lib/bridge/add.ts';
import { parseBridgeConfig } from '../../../lib/bridge/config.ts';
import { type BridgeKind, noUplink, type Uplink } from '../../../lib/bridge/network.ts';
import { CniError, ErrorCode } from '../../../lib/errors/cni-error.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import { toCall } from '../../support/calls.ts';
import { paperRecords } from '../../support/paper-records.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

const bridgePath = '/proc/sys/net/ipv4/conf/cni0/forwarding';

/** A plugin with this way to other hosts. */
function kindWith(uplink: Partial<Uplink>): BridgeKind {
  return {
    name: 'test',
    open: (call) => ({
      network: parseBridgeConfig(call.conf),
      ipamCall: call,
      uplink: { ...noUplink, ...uplink },
    }),
    openRemoval: (call) => ({ network: parseBridgeConfig(call.conf), ipamCall: call }),
  };
}

test('an ADD at whose end the subnet is no longer ours takes back what it has made, and says so', () => {
  const machine = scriptMachine({ proc: { [bridgePath]: '1' } });
  const kind = kindWith({
    confirm: () => {
      throw new CniError(ErrorCode.tryAgainLater, 'the lease has ended');
    },
  });

  const adding = () =>
    add(toCall({}), {
      kind,
      machine,
      records: paperRecords(),
      capabilities: [],
      selectIpam: () => undefined,
    });

  expect(adding).toThrow(expect.objectContaining({ code: ErrorCode.tryAgainLater }));
  expect(machine.log.join('\n')).toMatch(/link add name (veth\w+)[\s\S]*link del dev \1/);
});

test('an ADD in whose way another one has made the uplink begins again', () => {
  let isMade = false;
  const machine = scriptMachine({
    proc: { [bridgePath]: '1' },
    answer: ({ stdin = '' }) => {
      if (!stdin.includes('dev vxlan9 up') || isMade) return undefined;
      isMade = true;
      return { status: 1, stderr: 'RTNETLINK answers: File exists\nCommand failed -:1\n' };
    },
  });
  const up = { kind: 'set-up', name: 'vxlan9' as IfName } as const;
  const kind = kindWith({ plan: () => (isMade ? [] : [{ place: 'host', operation: up }]) });

  const result = add(toCall({}), {
    kind,
    machine,
    records: paperRecords(),
    capabilities: [],
    selectIpam: () => undefined,
  });

  expect(result.interfaces.map(({ name }) => name)).toContain('cni0');
});
