import { tryInside } from './process.ts';
import { ServerProcess } from './server-process.ts';

/** The port at which backends listen. */
export const backendPort = 8080;

// Buffered: a body that is sent after its headers would wait 40 ms for their delayed acknowledgement.
const server = `
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 4096
    def do_GET(self):
        body = (self.connection.getsockname()[0] + "\\n").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("0.0.0.0", ${backendPort}), Handler).serve_forever()
`;

/** Starts an HTTP server in a container that answers every request with the address at which it was reached. */
export async function startBackend(netns: string): Promise<AsyncDisposable> {
  const process = new ServerProcess();
  await process.start({ file: '/usr/bin/python3', args: ['-c', server], netns });
  const url = `http://127.0.0.1:${backendPort}/`;
  await process.serving(`the backend in ${netns}`, async () => {
    return (await tryInside(netns, 'curl', '-s', '-m', '1', url)).status === 0;
  });
  return { [Symbol.asyncDispose]: () => process.kill() };
}
