import { must } from './process.ts';

/** RTM_NEWLINK and RTM_DELLINK, and the same of addresses, routes and neighbours: what changes something. */
const changes = new Set([16, 17, 20, 21, 24, 25, 28, 29]);

/**
 * The netlink messages with which `ip` changes something in a namespace, in hexadecimal and without their sequence
 * numbers; it goes on over what the kernel refuses.
 */
export async function messagesOfIp(netns: string, lines: readonly string[]): Promise<readonly string[]> {
  // A pipe of its own: what ip complains of would stand between the lines, and stdout may be a socket, which has no path.
  const trace = ['strace', '-qq', '-o', '|cat', '-e', 'trace=sendmsg', '-e', 'write=all'];
  const call = [`--net=/run/netns/${netns}`, 'sh', '-c', '"$@" || true', 'sh', ...trace];
  const stdin = `${lines.join('\n')}\n`;
  const text = await must('nsenter', [...call, 'ip', '-force', '-batch', '-'], stdin);
  return text
    .split(/^ \* \d+ bytes in buffer 0$/m)
    .slice(1)
    .map(toBytes)
    .filter((message) => changes.has(message.readUInt16LE(4)))
    .map((message) => message.fill(0, 8, 12).toString('hex'));
}

/** Of a dump's lines, as ` | 00000  44 00 …  D.… |`: the columns of the bytes. */
function toBytes(dump: string): Buffer {
  const rows = dump.split('\n').filter((line) => line.startsWith(' | '));
  return Buffer.from(rows.map((row) => row.slice(10, 59).replaceAll(' ', '')).join(''), 'hex');
}
