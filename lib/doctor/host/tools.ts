import type { Outcome } from '../../exec/command.ts';
import type { Machine } from '../../exec/machine.ts';
import { whyNot } from '../ask.ts';
import type { Check } from '../check.ts';
import { judgeTools, type Kernel, type ToolsEvidence } from './judge-tools.ts';

/** Whether the programs are there that everything else is done with, and the kernel can do what they will ask of it. */
export const tools: Check<ToolsEvidence> = {
  id: 'tools',
  title: 'programs and kernel',
  observe: (scene) => ({
    programs: {
      ip: versionOf(scene.machine, 'ip'),
      bridge: versionOf(scene.machine, 'bridge'),
      nft: versionOf(scene.machine, 'nft'),
    },
    kernel: {
      release: scene.machine.readProc('/proc/sys/kernel/osrelease') ?? '',
      ...tryKernel(scene.machine),
    },
    // By what is written: the links themselves cannot be seen where `ip` is missing.
    hasOverlay: scene.agentFile().hasOverlay || scene.subnetFile().kind !== 'absent',
  }),
  judge: judgeTools,
};

function versionOf({ run }: Machine, file: string): Pick<Outcome, 'status' | 'stdout' | 'stderr'> {
  return run({ file, args: ['-V'] });
}

const links = {
  veth: ['type', 'veth'],
  bridge: ['type', 'bridge'],
  vxlan: ['type', 'vxlan', 'id', '1', 'dstport', '8472'],
} as const;

const masquerade = `table inet probe {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    iifname "probe" masquerade
  }
}
`;

/**
 * Whether a thing is compiled in, is a module or is missing shows only when it is used. So that nothing is left, each
 * is used in a network namespace that ends with the process.
 */
function tryKernel({ run }: Machine): Pick<Kernel, 'untried' | 'lacks'> {
  const alone = (args: readonly string[], stdin = '') =>
    run({ file: 'unshare', args: ['--net', ...args], stdin });
  const nothing = alone(['true']);
  if (nothing.status !== 0) return { untried: whyNot(['unshare', '--net'], nothing), lacks: [] };
  const refused = Object.entries(links).filter(
    ([, args]) => alone(['ip', 'link', 'add', 'name', 'probe', ...args]).status !== 0,
  );
  const hasNft = alone(['nft', '-f', '-'], masquerade).status === 0;
  return { untried: undefined, lacks: [...refused.map(([kind]) => kind), ...(hasNft ? [] : ['nf_tables'])] };
}
