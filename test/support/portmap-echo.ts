import type { HostPort } from '../../lib/portmap/host-port.ts';
import { type Background, inside, mustInside, startBeside, tryInside } from './process.ts';

const python = '/usr/bin/python3';

export type Protocol = HostPort['protocol'];

const sockets = `
import socket
types = {"tcp": (socket.SOCK_STREAM, 0), "udp": (socket.SOCK_DGRAM, 0), "sctp": (socket.SOCK_STREAM, 132)}
`;

const server = `${sockets}
import sys, threading
name, port = sys.argv[1], int(sys.argv[2])
def tell(address): return (name + " " + address[0].replace("::ffff:", "")).encode()
def bind(protocol):
    kind, number = types[protocol]
    each = socket.socket(socket.AF_INET6, kind, number)
    each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    each.bind(("::", port))
    return each
def datagrams(each):
    while True:
        _, address = each.recvfrom(100)
        each.sendto(tell(address), address)
def connections(each):
    each.listen(50)
    while True:
        peer, address = each.accept()
        peer.sendall(tell(address))
        peer.close()
for protocol in sys.argv[3].split(","):
    run = datagrams if protocol == "udp" else connections
    threading.Thread(target=run, args=(bind(protocol),)).start()
print("ready", flush=True)
`;

const client = `${sockets}
import sys
address, port, protocol = sys.argv[1], int(sys.argv[2]), sys.argv[3]
try:
    each = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, *types[protocol])
    each.settimeout(1)
    if len(sys.argv) > 4: each.bind(("", int(sys.argv[4])))
    each.connect((address, port))
    if protocol == "udp": each.send(b"?")
    print(each.recv(100).decode())
except OSError: print("nobody")
`;

/** Starts a server in a namespace that answers each caller with its name and the caller's address as it sees it. */
export function startEcho(
  netns: string,
  name: string,
  { protocols = ['tcp', 'udp'], port = 80 }: { protocols?: readonly Protocol[]; port?: number } = {},
): Promise<Background> {
  return startBeside('nsenter', inside(netns, python, '-c', server, name, `${port}`, protocols.join(',')));
}

/** Who answers at an address and port, and which caller it sees; "nobody" where there is no answer within a second. */
export async function whoAnswers(
  from: string,
  {
    to,
    port,
    protocol = 'tcp',
    fromPort,
  }: { to: string; port: number; protocol?: Protocol; fromPort?: number },
): Promise<string> {
  const bound = fromPort === undefined ? [] : [`${fromPort}`];
  return (await mustInside(from, python, '-c', client, to, `${port}`, protocol, ...bound)).trim();
}

/** Whether this kernel speaks SCTP. */
export async function hasSctp(netns: string): Promise<boolean> {
  const probe = 'import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)';
  return (await tryInside(netns, python, '-c', probe)).status === 0;
}
