import { writeSysctl } from './kernel.ts';
import { type Background, inside, must, mustInside, startBeside, tryInside } from './process.ts';
import type { Rig } from './rig.ts';

const python = '/usr/bin/python3';

/** Whether an address answers one echo request within a second. */
export async function canPing(from: string, to: string): Promise<boolean> {
  const family = to.includes(':') ? '-6' : '-4';
  const { status } = await tryInside(from, 'busybox', 'ping', family, '-c', '1', '-W', '1', to);
  return status === 0;
}

/** The namespace of a machine outside, and how it and the host are addressed on their common link. */
export type Outside = { readonly netns: string; readonly v4: string; readonly v6: string };

export const hostOutside = { v4: '203.0.113.1', v6: '2001:db8:99::1' };

/**
 * A machine that only the host is linked with. It can reach the containers by the host, so it answers them
 * unmasqueraded, too. Without duplicate address detection: until that has ended on a link, the host resolves nobody
 * there for traffic that it forwards.
 */
export async function addOutside(rig: Rig): Promise<Outside> {
  const netns = await rig.namespace('out');
  await batchInside(rig.host, [`link add name up0 type veth peer name eth0 netns ${netns}`]);
  await writeSysctl(rig.host, 'ipv6/conf/up0/accept_dad', '0');
  await writeSysctl(netns, 'ipv6/conf/eth0/accept_dad', '0');
  await batchInside(rig.host, [
    'link set dev up0 up',
    `addr add ${hostOutside.v4}/24 dev up0`,
    `addr add ${hostOutside.v6}/64 dev up0`,
  ]);
  const outside = { netns, v4: '203.0.113.2', v6: '2001:db8:99::2' };
  await batchInside(netns, [
    'link set dev eth0 up',
    `addr add ${outside.v4}/24 dev eth0`,
    `addr add ${outside.v6}/64 dev eth0`,
    `route add default via ${hostOutside.v4}`,
    `route add default via ${hostOutside.v6}`,
  ]);
  return outside;
}

async function batchInside(netns: string, lines: readonly string[]): Promise<void> {
  await must('nsenter', inside(netns, 'ip', '-batch', '-'), `${lines.join('\n')}\n`);
}

const sourceServer = `
import socket
server = socket.create_server(("::", 8080), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    peer, address = server.accept()
    peer.sendall(address[0].replace("::ffff:", "").encode())
    peer.close()
`;

const sourceClient = `
import socket, sys
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2)
print(peer.recv(100).decode())
`;

/** A server on TCP port 8080 that tells each caller by which source address it came. */
export function startSourceServer(netns: string): Promise<Background> {
  return startBeside('nsenter', inside(netns, python, '-c', sourceServer));
}

/** The source address that the server at `to` sees of a connection from a namespace. */
export async function sourceSeenBy(to: string, from: string, port = 8080): Promise<string> {
  return (await mustInside(from, python, '-c', sourceClient, to, `${port}`)).trim();
}

/** A frame to be sent from a container, telling the truth about its sender or not. */
export type Frame = {
  /** Found again where the frame arrives. */
  readonly mark: string;
  readonly kind: 'ipv4' | 'ipv6' | 'arp' | 'vlan-ipv4' | 'other';
  /** Source of the Ethernet header. */
  readonly mac: string;
  /** What ARP says the sender's MAC is; that of the Ethernet header where absent. */
  readonly arpMac?: string;
  /** Source address. */
  readonly ip: string;
};

const sender = `
import json, socket, struct, sys
def mac(text): return bytes.fromhex(text.replace(":", ""))
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
def ipv4(frame, mark):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(mark), 0, 0, 64, 253, 0,
        socket.inet_aton(frame["ip"]), b"\\xff" * 4)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + mark
def ipv6(frame, mark):
    target = socket.inet_pton(socket.AF_INET6, "ff02::1")
    return struct.pack("!IHBB", 6 << 28, len(mark), 59, 64) + socket.inet_pton(socket.AF_INET6, frame["ip"]) + target + mark
def arp(frame, mark):
    address = socket.inet_aton(frame["ip"])
    return struct.pack("!HHBBH6s4s6s4s", 1, 0x800, 6, 4, 1, mac(frame.get("arpMac", frame["mac"])), address, b"\\0" * 6, address) + mark
kinds = {
    "ipv4": (b"\\x08\\x00", ipv4), "ipv6": (b"\\x86\\xdd", ipv6), "arp": (b"\\x08\\x06", arp),
    "vlan-ipv4": (b"\\x81\\x00\\x00\\x05\\x08\\x00", ipv4), "other": (b"\\x88\\xb5", lambda frame, mark: mark),
}
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))
for frame in json.loads(sys.argv[1]):
    ethertype, body = kinds[frame["kind"]]
    target = b"\\x33\\x33\\0\\0\\0\\1" if frame["kind"] == "ipv6" else b"\\xff" * 6
    wire.send(target + mac(frame["mac"]) + ethertype + body(frame, ("<%s>" % frame["mark"]).encode().ljust(48, b".")))
`;

const sniffer = `
import re, socket, sys, time
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind(("eth0", 0))
print("ready", flush=True)
end = time.monotonic() + 20
while time.monotonic() < end:
    wire.settimeout(max(0.01, end - time.monotonic()))
    try: found = re.search(rb"<([a-z0-9 -]+)>", wire.recv(2048))
    except TimeoutError: break
    if found and found[1] == b"the end": break
    if found: print(found[1].decode(), flush=True)
`;

/**
 * Sends frames from one container as broadcasts.
 * @param last an honest frame that surely arrives: with it the listening ends
 * @returns the marks of those that the other container receives, sorted
 */
export async function framesThatArrive(
  { from, to }: { from: string; to: string },
  frames: readonly Frame[],
  last: Omit<Frame, 'mark'>,
): Promise<readonly string[]> {
  await using listening = await startBeside('nsenter', inside(to, python, '-c', sniffer));
  await mustInside(from, python, '-c', sender, JSON.stringify([...frames, { ...last, mark: 'the end' }]));
  const lines = (await listening.ended).split('\n');
  return lines.filter((line) => line !== 'ready' && line !== '').sort();
}
