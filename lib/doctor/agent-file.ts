import { readFileSync } from 'node:fs';
import { Fields } from '../cni/fields.ts';
import { parseJson } from '../cni/json.ts';
import { ifExists, onFiles } from '../errors/system-error.ts';
import { defaultBirdSocket } from '../routing/settings.ts';
import { type Trouble, toTrouble } from './trouble.ts';

/** What is to be known of the agent's configuration from outside of it. */
export type AgentFile = {
  readonly path: string;
  /** Whether there is such a file. */
  readonly isThere: boolean;
  /** What is wrong with it. */
  readonly trouble: Trouble | undefined;
  /** Where its API is, in the agent's own words: `unix:/path` or `tcp:address:port`. */
  readonly api: readonly string[];
  /** Whether it is to have an overlay. */
  readonly hasOverlay: boolean;
  readonly subnetFile: string | undefined;
  /** Whether it is to lease blocks of the cluster's addresses. */
  readonly hasBlocks: boolean;
  /** BIRD's control socket, where routes are BIRD's business. */
  readonly birdSocket: string | undefined;
  /** Whether it is to put back what others take away of containers' rules. */
  readonly putsRulesBack: boolean;
  /** Whether it is to serve CNI calls. */
  readonly servesCalls: boolean;
};

const defaultPath = '/etc/fairlead/agent.json';
const usual = {
  api: ['unix:/run/fairlead/api.sock'],
  hasOverlay: false,
  subnetFile: undefined,
  hasBlocks: false,
  birdSocket: undefined,
  putsRulesBack: true,
  servesCalls: false,
} as const;

/** @param stated by the operator; then there must be such a file */
export function readAgentFile(stated: string | undefined): AgentFile {
  const path = stated ?? defaultPath;
  try {
    const text = onFiles(`reading ${path}`, () => ifExists(() => readFileSync(path, 'utf8')));
    if (text !== undefined) return { path, isThere: true, trouble: undefined, ...parse(text, path) };
    const missing: Trouble = { kind: 'nonsense', because: `there is no ${path}` };
    return { path, isThere: false, trouble: stated === undefined ? undefined : missing, ...usual };
  } catch (error) {
    return { path, isThere: true, trouble: toTrouble(error), ...usual };
  }
}

/** The agent reads the whole; here only what leads to other things that can be looked at. */
function parse(text: string, path: string): Omit<AgentFile, 'path' | 'isThere' | 'trouble'> {
  const fields = new Fields(parseJson(text, path), '');
  const overlay = fields.object('overlay');
  const routing = fields.object('routing');
  return {
    api: fields.object('api')?.strings('listen') ?? usual.api,
    hasOverlay: overlay !== undefined,
    subnetFile: overlay?.parsed('subnetFile', 'an absolute path', parsePath),
    hasBlocks: fields.object('blocks') !== undefined,
    birdSocket:
      routing?.string('mode') === 'bird'
        ? (routing.parsed('socket', 'an absolute path', parsePath) ?? defaultBirdSocket)
        : undefined,
    putsRulesBack: fields.boolean('rules') ?? usual.putsRulesBack,
    servesCalls: fields.object('cni') !== undefined,
  };
}

function parsePath(file: string): string | undefined {
  return file.startsWith('/') ? file : undefined;
}
