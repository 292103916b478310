import { mkdtempSync, rmSync } from 'node:fs';
import { createHostLocal } from '../ipam/host-local/plugin.ts';
import { dispatch } from '../lib/cni/dispatch.ts';
import type { Machine } from '../lib/exec/machine.ts';
import { createBridge } from './bridge/plugin.ts';

/** Runs an ADD, CHECK and DEL against a machine of paper. */
export function warmUp(): void {
  const dir = mkdtempSync('/tmp/fairlead-warm-up-');
  const bridgeLink = '[{"ifname":"cni0","flags":["UP"],"mtu":1500,"address":"02:00:00:00:00:01","linkinfo":{"info_kind":"bridge","info_data":{}},"addr_info":[]}]';
  const machine: Machine = {
    run: ({ file, args }) => ({ status: 0, stdout: file === 'ip' && args.includes('show') ? bridgeLink : '', stderr: '' }),
    start: async () => ({ status: 0, stdout: '', stderr: '' }),
    inNetns: (_path, work) => work(),
    identifyNetns: () => ({ device: 4, inode: 2 }),
    identifyOwnNetns: () => ({ device: 4, inode: 1 }),
    readProc: () => '1',
    writeProc: () => undefined,
    sleep: () => undefined,
  };
  const hostLocal = createHostLocal(machine);
  const bridge = createBridge(machine, () => hostLocal);
  const conf = JSON.stringify({
    cniVersion: '1.1.0', name: 'warm', type: 'bridge', isDefaultGateway: true, ipMasq: true,
    ipam: { type: 'host-local', dataDir: dir, ranges: [[{ subnet: '10.1.0.0/24' }], [{ subnet: 'fd00::/64' }]], routes: [{ dst: '10.0.0.0/8' }] },
  });
  const env = { CNI_CONTAINERID: 'warm', CNI_NETNS: '/run/netns/warm', CNI_IFNAME: 'eth0', CNI_PATH: '/x', CNI_ARGS: 'IgnoreUnknown=1' };
  for (const verb of ['ADD', 'DEL', 'ADD', 'DEL']) {
    void dispatch(bridge, { env: { ...env, CNI_COMMAND: verb }, readStdin: () => conf, writeStdout: (t) => { if (verb==='ADD') process.stderr.write(t.slice(0,100)); } });
  }
  rmSync(dir, { recursive: true });
  rmSync(`${dir}.fairlead`, { recursive: true, force: true });
}
