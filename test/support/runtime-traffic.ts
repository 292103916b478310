import { eventually } from './eventually.ts';
import { type Background, startBeside } from './process.ts';
import type { RuntimeHost } from './runtime-host.ts';

const server = `
import socket, sys
server = socket.create_server(("::", 8080), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    peer, address = server.accept()
    peer.recv(4096)
    peer.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + sys.argv[1].encode())
    peer.close()
`;

/** A web server on port 8080 of one of the host's namespaces, which answers everybody with the same text. */
export function serveText(host: RuntimeHost, netns: string, text: string): Promise<Background> {
  return startBeside('nsenter', host.entering('nsenter', `--net=${netns}`, 'python3', '-c', server, text));
}

/** What a URL answers, asked on the host; empty where nobody answers. */
export async function askOnHost(host: RuntimeHost, url: string): Promise<string> {
  const { stdout } = await host.run(['curl', '--silent', '--globoff', '--max-time', '3', url]);
  return stdout.trim();
}

/** The same of a server that has just been started, once it answers. */
export function firstAnswer(host: RuntimeHost, url: string): Promise<string> {
  return eventually(`${url} to answer`, async () => (await askOnHost(host, url)) || undefined);
}
