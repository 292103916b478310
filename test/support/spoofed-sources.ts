import { inside, mustInside, startBeside } from './process.ts';

const python = '/usr/bin/python3';

const listener = `
import socket
wire = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
wire.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
wire.bind(("::", 9999))
wire.settimeout(20)
print("ready", flush=True)
while True:
    data, address = wire.recvfrom(100)
    if data == b"end": break
    print(address[0].replace("::ffff:", ""), flush=True)
`;

const sender = `
import socket, sys, time
target, *sources = sys.argv[1:]
v6 = ":" in target
def send(source, data):
    wire = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
    # IPV6_TRANSPARENT and IP_TRANSPARENT: a source that is nobody's here.
    wire.setsockopt(*((socket.IPPROTO_IPV6, 75) if v6 else (socket.IPPROTO_IP, 19)), 1)
    wire.bind((source, 0))
    wire.sendto(data, (target, 9999))
for source in sources: send(source, b"hello")
time.sleep(0.2)
send(sources[-1], b"end")
`;

/** What is sent, and by whom. */
export type Sending = {
  readonly from: string;
  readonly to: { readonly netns: string; readonly address: string };
  /** The last one must be honest: with it the listening ends. */
  readonly sources: readonly string[];
};

/** The sources of which a datagram arrives, in order. */
export async function sourcesThatArrive({ from, to, sources }: Sending): Promise<readonly string[]> {
  await using listening = await startBeside('nsenter', inside(to.netns, python, '-c', listener));
  await mustInside(from, python, '-c', sender, to.address, ...sources);
  const lines = (await listening.ended).split('\n');
  return lines.filter((line) => line !== 'ready' && line !== '');
}
