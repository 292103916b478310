import { inside, startBeside, tryInside } from './process.ts';

const python = '/usr/bin/python3';

/** For how long is measured, in seconds. */
const measured = '1';

const receiver = `
import socket, sys, time
seconds = float(sys.argv[1])
server = socket.create_server(("::", 5201), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
peer, _ = server.accept()
peer.settimeout(10)
peer.recv(65536)
start, count = time.monotonic(), 0
while time.monotonic() - start < seconds:
    count += len(peer.recv(65536))
print(count * 8 / (time.monotonic() - start))
`;

const sender = `
import socket, sys
peer = socket.create_connection((sys.argv[1], 5201), timeout=10)
try:
    while True:
        peer.sendall(bytes(65536))
except OSError:
    pass
`;

/** One direction between two namespaces. */
export type Way = {
  readonly from: string;
  readonly to: string;
  /** The address of the receiver. */
  readonly address: string;
};

/** What one TCP connection brings over, in bits a second. */
export async function measureThroughput({ from, to, address }: Way): Promise<number> {
  await using listening = await startBeside('nsenter', inside(to, python, '-c', receiver, measured));
  const { stderr } = await tryInside(from, python, '-c', sender, address);
  const rate = Number((await listening.ended).split('\n').at(1));
  if (rate > 0) return rate;
  throw new Error(`nothing came from ${from} to ${address}: ${stderr}`);
}
