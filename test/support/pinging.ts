import { inside, startBeside } from './process.ts';

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
