import type { ToolName } from '../capability/capability.ts';
import { CniError, ErrorCode, toCniError } from '../errors/cni-error.ts';
import type { Machine } from '../exec/machine.ts';

/** Opens a network for STATUS: what would have an ADD be tried again later makes the plugin not available now. */
export function openReady<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    const { code, message } = toCniError(error);
    if (code !== ErrorCode.tryAgainLater) throw error;
    throw new CniError(ErrorCode.pluginNotAvailable, message, { cause: error });
  }
}

/** @throws CniError code 50 where one of the tools does not work */
export function requireTools(tools: readonly ToolName[], machine: Pick<Machine, 'run'>): void {
  for (const tool of new Set(tools)) requireTool(tool, machine);
}

const version = {
  ip: { argument: '-Version', packages: 'iproute2' },
  tc: { argument: '-Version', packages: 'iproute2' },
  nft: { argument: '--version', packages: 'nftables' },
} as const;

function requireTool(file: ToolName, machine: Pick<Machine, 'run'>): void {
  const { argument, packages } = version[file];
  const { status: exit, stderr } = machine.run({ file, args: [argument] });
  if (exit === 0) return;
  throw new CniError(
    ErrorCode.pluginNotAvailable,
    `${file} does not work: ${stderr.trim()}; install the package ${packages}`,
  );
}
