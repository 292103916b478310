import { orOk, problem, skipped, type Verdict, warning } from '../check.ts';

type Program = {
  readonly status: number | string | undefined;
  readonly stdout: string;
  readonly stderr: string;
};

export type ToolsEvidence = {
  /** What each answered to `-V`. */
  readonly programs: Readonly<Record<'ip' | 'bridge' | 'nft', Program>>;
  readonly kernel: Kernel;
  readonly hasOverlay: boolean;
};

export type Kernel = {
  readonly release: string;
  /** Why it could not be tried out. */
  readonly untried: string | undefined;
  /** What it refused: "veth", "bridge", "vxlan", "nf_tables". */
  readonly lacks: readonly string[];
};

const packages = { ip: 'iproute2', bridge: 'iproute2', nft: 'nftables' } as const;

export function judgeTools({ programs, kernel, hasOverlay }: ToolsEvidence): readonly Verdict[] {
  const broken = (['ip', 'bridge', 'nft'] as const).flatMap((file) => judgeProgram(file, programs[file]));
  const kinds = broken.length === 0 ? judgeKernel(kernel, hasOverlay) : [];
  const versions = `iproute2 ${versionIn(programs.ip)}, nftables ${versionIn(programs.nft)}, kernel ${kernel.release}`;
  return orOk([...broken, ...kinds], `${versions} with veth, bridge, vxlan and nf_tables`);
}

function judgeProgram(file: keyof typeof packages, program: Program): readonly Verdict[] {
  const remedy = `install the package ${packages[file]}, or put ${file} into a directory of PATH`;
  if (program.status === undefined) return [problem(program.stderr, remedy)];
  if (program.status !== 0)
    return [problem(`${file} -V ended with ${program.status}: ${program.stderr}`, remedy)];
  // Without it nothing that nft says of its chains can be read.
  if (file === 'nft' && /^\s*json:\s*no/m.test(program.stdout))
    return [
      problem(
        'nft was built without JSON',
        'install an nftables that was built with it (configure --with-json)',
      ),
    ];
  return [];
}

function judgeKernel({ release, untried, lacks }: Kernel, hasOverlay: boolean): readonly Verdict[] {
  if (untried !== undefined) return [skipped(`what kernel ${release} can do could not be tried: ${untried}`)];
  return lacks.map((name) => {
    const found = `kernel ${release} has no ${name}`;
    const remedy = `load the module (modprobe ${name}), or install the kernel's package that has it`;
    return name === 'vxlan' && !hasOverlay
      ? warning(`${found}; no overlay could be made`, remedy)
      : problem(found, remedy);
  });
}

function versionIn({ stdout }: Program): string {
  return /\d+(\.\d+)+/.exec(stdout)?.[0] ?? 'of unknown version';
}
