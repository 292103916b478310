import type { Certificates } from './certificates.ts';
import { inside, run } from './process.ts';

export type CurlRequest = {
  readonly url: string;
  /** GET unless set. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly netns?: string | undefined;
  readonly tls?: Certificates | undefined;
};

/** Status 0 where there was no answer; the body is parsed where it is JSON. */
export type CurlAnswer = { readonly status: number; readonly body: unknown };

/** One request by the real `curl`, which reaches namespaces and authorities that fetch does not. */
export async function curl(request: CurlRequest): Promise<CurlAnswer> {
  const args = toArguments(request);
  const { stdout } = await run(
    request.netns === undefined
      ? { file: 'curl', args }
      : { file: 'nsenter', args: inside(request.netns, 'curl', ...args) },
  );
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end + 1)), body: parse(stdout.slice(0, Math.max(end, 0))) };
}

function toArguments({ url, method = 'GET', headers = {}, body, tls }: CurlRequest): readonly string[] {
  const data = typeof body === 'string' ? body : JSON.stringify(body);
  return [
    ...['-s', '-g', '-m', '10', '-w', '\n%{http_code}', '-X', method],
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...(data === undefined ? [] : ['--data-binary', data]),
    ...(tls === undefined ? [] : ['--cacert', tls.ca, '--cert', tls.cert, '--key', tls.key]),
    url,
  ];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
