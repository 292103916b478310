import { inside, mustInside, startBeside, tryInside } from './process.ts';
import { until } from './until.ts';

/** Echo requests that go on until they are ended. */
export type Pinging = AsyncDisposable & {
  /** @returns how many were sent, and how many of them were not answered */
  readonly end: () => Promise<{ readonly sent: number; readonly lost: number }>;
};

/** Sends an echo request from a namespace every 50 ms. */
export async function startPinging(netns: string, address: string): Promise<Pinging> {
  const script = 'echo ready; exec ping -i 0.05 -W 1 "$1"';
  const ping = await startBeside('nsenter', inside(netns, 'sh', '-c', script, 'sh', address));
  const end = async () => {
    process.kill(ping.pid, 'SIGINT');
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(await ping.ended) ?? [];
    return { sent: Number(sent), lost: Number(sent) - Number(received) };
  };
  return { end, [Symbol.asyncDispose]: () => ping[Symbol.asyncDispose]() };
}

/** Sends an echo request every 20 ms until one is answered: `ping` also ends where a router knows no way. */
export async function awaitEcho(netns: string, address: string): Promise<void> {
  const ping = ['ping', '-i', '0.02', '-c', '1', '-w', '5', address];
  const isAnswered = async () => (await tryInside(netns, ...ping)).status === 0;
  await until(isAnswered, `an echo of ${address} in ${netns}`);
}

/** Sends echo requests until one has come in at a host's eth0. @returns the line that tcpdump prints of it */
export async function capturePings(
  from: { readonly netns: string },
  { to, at }: { readonly to: string; readonly at: { readonly netns: string } },
): Promise<readonly string[]> {
  await using _pinging = await startPinging(from.netns, to);
  const filter = `(icmp[0] = 8 or (icmp6 and ip6[40] = 128)) and dst ${to}`;
  const args = ['timeout', '10', 'tcpdump', '-n', '-i', 'eth0', '-c', '1', filter];
  return (await mustInside(at.netns, ...args)).split('\n');
}
