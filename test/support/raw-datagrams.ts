import { inside, mustInside, startBeside } from './process.ts';

const python = '/usr/bin/python3';

const listener = `
import socket
wire = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
wire.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
wire.bind(("::", 9998))
wire.settimeout(20)
print("ready", flush=True)
while True:
    data = wire.recv(200)
    if data == b"end": break
    print(data.decode(), flush=True)
`;

const sender = `
import json, socket, struct, sys
def checksum(data):
    data += b"\\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
def packet(source, target, data):
    size = 8 + len(data)
    head = struct.pack("!HHH", 9998, 9998, size)
    if ":" not in target:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + size, 0, 0, 64, 17, 0) + socket.inet_aton(source) + socket.inet_aton(target)
        return b"\\x08\\x00" + ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + head + b"\\0\\0" + data
    ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
    summed = checksum(ends + struct.pack("!II", size, 17) + head + b"\\0\\0" + data) or 0xffff
    return b"\\x86\\xdd" + struct.pack("!IHBB", 6 << 28, size, 17, 64) + ends + head + struct.pack("!H", summed) + data
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))
ethernet = bytes.fromhex(sys.argv[1].replace(":", "")) + wire.getsockname()[4]
datagrams = json.loads(sys.argv[2])
for one in datagrams: wire.send(ethernet + packet(one["source"], one["target"], (one["source"] + " > " + one["target"]).encode()))
wire.send(ethernet + packet(datagrams[-1]["source"], datagrams[-1]["target"], b"end"))
`;

/** A datagram whose addresses a container's own kernel would not send it with. */
export type RawDatagram = { readonly source: string; readonly target: string };

/**
 * Sends datagrams by the container's eth0 as they are, past its kernel.
 * @param hop the MAC that they are sent to
 * @param datagrams the last one must be honest: with it the listening ends
 * @returns those that a program of the other namespace receives, in order, as "source > target"
 */
export async function datagramsThatArrive(
  { from, to, hop }: { readonly from: string; readonly to: string; readonly hop: string },
  datagrams: readonly RawDatagram[],
): Promise<readonly string[]> {
  await using listening = await startBeside('nsenter', inside(to, python, '-c', listener));
  await mustInside(from, python, '-c', sender, hop, JSON.stringify(datagrams));
  const lines = (await listening.ended).split('\n');
  return lines.filter((line) => line !== 'ready' && line !== '');
}
