import type { Questions, Resolution } from './question.ts';

/** One call of an executable, as a CNI runtime makes it. */
export type Call = {
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  /** The plugin after it in a conflist: called when this one has succeeded, with what it has answered as prevResult. */
  readonly next?: Call;
};

/** How a call ended; of calls that follow each other, how the last one did. */
export type Outcome = {
  readonly call: Call;
  /**
   * From before the spawn until the process has ended and its pipes are closed, in milliseconds; of calls that followed
   * each other, the sum.
   */
  readonly tookMs: number;
  /** The exit status, or what ended the process instead. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
};

/** What a measuring process is asked for. */
export type Request = {
  readonly order: 'one by one' | 'all at once';
  readonly calls: readonly Call[];
  /** Asked as soon as the calls have ended. */
  readonly questions?: Questions;
};

/** What it answers: outcomes in the order of the calls, resolutions in that of the names. */
export type Answer = {
  /** From before the first spawn until the last process has ended, in milliseconds. */
  readonly wallMs: number;
  readonly outcomes: readonly Outcome[];
  readonly resolutions: readonly Resolution[];
};

/** Where plugins, and the bench itself, find `ip`, `nft` and `iptables`. */
export const toolPath = '/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * A failed call spoils a comparison, whoever failed: a plugin that gives up early is quick.
 * @throws Error with the plugin's output
 */
export function requireSuccess({ call, status, stdout, stderr }: Outcome): void {
  if (status === 0) return;
  const { CNI_COMMAND: verb = 'the call', CNI_CONTAINERID: id = '', CNI_IFNAME: ifName = '' } = call.env;
  throw new Error(`${call.file}: ${verb} ${id} ${ifName} ended with ${status}\n${stdout}${stderr}`);
}

/** The addresses that an ADD has answered, without their prefixes' lengths. */
export function addressesOf({ stdout }: Outcome): readonly string[] {
  const { ips }: { ips: readonly { address: string }[] } = JSON.parse(stdout);
  return ips.map(({ address }) => address.replace(/\/.*/, ''));
}
