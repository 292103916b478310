import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Rig } from './rig.ts';

/** How a shadowed tool fails: without doing anything, after having done all, or by a signal before doing anything. */
export type Fault = 'before' | 'after' | 'killed' | { readonly afterLines: number };

/** One call of a shadowed tool. */
export type ToolCall = { readonly tool: string; readonly args: string; readonly lines: number };

/** `ip`, `bridge` and `nft` shadowed by wrappers that count their calls and fail one of them. */
export type Shadow = {
  /** PATH for the plugin, the wrappers first. */
  readonly env: { readonly PATH: string };
  /** From now on, the call with this number (from 1) fails; all calls are counted anew. */
  readonly failAt: (call: number, fault: Fault) => void;
  /** The calls since then. */
  readonly calls: () => readonly ToolCall[];
};

const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * A call's stdin is kept in a file, so that a batch can be fed in part: the tool itself then stops at a line that it
 * does not know, and says which, as it does for a line that the kernel refuses.
 */
const wrapper = (dir: string, tool: string) => `#!/bin/sh
PATH=${systemPath}
call=$(($(cat ${dir}/count) + 1))
echo $call > ${dir}/count
cat > ${dir}/stdin.$call
echo "${tool} $(grep -c . ${dir}/stdin.$call) $*" > ${dir}/call.$call
read -r failing fault lines < ${dir}/fault
[ "$call" = "$failing" ] || exec ${tool} "$@" < ${dir}/stdin.$call
case $fault in
  killed) kill -9 $$ ;;
  after) ${tool} "$@" < ${dir}/stdin.$call ;;
  lines) { head -n "$lines" ${dir}/stdin.$call; echo nonsense; } | ${tool} "$@"; exit ;;
esac
echo "injected failure" >&2
exit 1
`;

/** To be called before the rig's first call. */
export function shadowTools(rig: Pick<Rig, 'dir' | 'way'>): Shadow {
  rig.way.callTools();
  const dir = `${rig.dir}/shadow`;
  mkdirSync(dir);
  for (const tool of ['ip', 'bridge', 'nft']) {
    writeFileSync(`${dir}/${tool}`, wrapper(dir, tool));
    chmodSync(`${dir}/${tool}`, 0o755);
  }
  const failAt: Shadow['failAt'] = (call, fault) => {
    writeFileSync(`${dir}/count`, '0\n');
    writeFileSync(
      `${dir}/fault`,
      `${call} ${typeof fault === 'string' ? fault : `lines ${fault.afterLines}`}\n`,
    );
  };
  failAt(0, 'before');
  return { env: { PATH: `${dir}:${systemPath}` }, failAt, calls: () => readCalls(dir) };
}

function readCalls(dir: string): readonly ToolCall[] {
  const count = existsSync(`${dir}/count`) ? Number(readFileSync(`${dir}/count`, 'utf8')) : 0;
  return readdirSync(dir)
    .filter((name) => name.startsWith('call.'))
    .map((name) => Number(name.slice('call.'.length)))
    .filter((call) => call <= count)
    .sort((one, other) => one - other)
    .map((call) => parseCall(readFileSync(`${dir}/call.${call}`, 'utf8')));
}

function parseCall(line: string): ToolCall {
  const [tool = '', lines = '0', ...args] = line.trim().split(' ');
  return { tool, args: args.join(' '), lines: Number(lines) };
}
