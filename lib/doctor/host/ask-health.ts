import { request } from 'node:http';
import { errnoOf } from '../../errors/system-error.ts';
import { listOf, objectOf } from '../../iproute/json.ts';

/** What is at one of the places where the agent's API is to be. */
export type AgentAnswer = { readonly api: string } & (
  | { readonly kind: 'answered'; readonly problems: readonly string[] }
  /** Nobody listens there. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'unclear'; readonly because: string }
);

const patienceMs = 3_000;

/**
 * `GET /healthz`.
 * @param api `unix:/path` or `tcp:address:port`, as the agent's configuration has it
 */
export async function askHealth(api: string): Promise<AgentAnswer> {
  const place = parsePlace(api);
  if (place === undefined)
    return { api, kind: 'unclear', because: 'that is neither unix:/path nor tcp:address:port' };
  try {
    return { api, ...toAnswer(await get(place)) };
  } catch (error) {
    const isAbsent = ['ENOENT', 'ECONNREFUSED'].includes(errnoOf(error) ?? '');
    return isAbsent ? { api, kind: 'absent' } : { api, kind: 'unclear', because: whyOf(error) };
  }
}

type Place = { readonly socketPath: string } | { readonly host: string; readonly port: number };

function parsePlace(api: string): Place | undefined {
  if (api.startsWith('unix:/')) return { socketPath: api.slice('unix:'.length) };
  const [, host, port] = /^tcp:(.+):(\d+)$/.exec(api) ?? [];
  return host === undefined ? undefined : { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

function whyOf(error: unknown): string {
  if (errnoOf(error) === 'EACCES') return 'its socket may not be opened by this user; run it as root';
  return error instanceof Error ? error.message : String(error);
}

/** The whole answer, whatever its status. */
function get(place: Place): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { ...place, path: '/healthz', signal: AbortSignal.timeout(patienceMs) };
    const asked = request({ ...options, headers: { connection: 'close' } }, (answer) => {
      answer.setEncoding('utf8');
      let text = '';
      answer.on('data', (piece: string) => {
        text += piece;
      });
      answer.on('end', () => resolve(text));
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Whoever has no token is told but one word. */
function toAnswer(
  text: string,
): Pick<Extract<AgentAnswer, { kind: 'answered' }>, 'kind' | 'problems'> | Unclear {
  const { status, problems } = parse(text);
  if (status === 'ok') return { kind: 'answered', problems: [] };
  if (status !== 'failing') return { kind: 'unclear', because: 'what answers there is not the agent' };
  const told = listOf(problems).map(String);
  return { kind: 'answered', problems: told.length === 0 ? ['it is failing; its log says why'] : told };
}

type Unclear = { readonly kind: 'unclear'; readonly because: string };

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return {};
  }
}
