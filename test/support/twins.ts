import { expect, type TestContext } from 'vitest';
import { residentDir } from './binaries.ts';
import type { Way } from './call-way.ts';
import { type CallOptions, type CniResult, type Conf, Rig, type Verb } from './rig.ts';
import { skipUnless } from './skip.ts';

/** A host whose calls are all told. */
export type Scene = {
  readonly rig: Rig;
  /** The namespace of the container. */
  readonly netns: string;
  /** A call for a container that is named alike on all hosts. @returns its result */
  readonly call: (verb: Verb, conf: Conf, options?: CallOptions) => Promise<CniResult | undefined>;
};

/** The same calls, one after the other, on a host that is as new. */
type Script = (scene: Scene) => Promise<unknown>;

/** A script, and the error codes of its calls, 0 for a success. */
export type TwinCase = { readonly script: Script; readonly codes: string };

/** Carries a script out by the executables and by an agent, where what callers see has to be the same, byte for byte. */
export async function expectSame({ script, codes }: TwinCase, context: TestContext): Promise<void> {
  skipUnless(context, residentDir !== undefined, 'there is no installation with the client');
  const [executed, served] = await Promise.all([tell(script, 'executables'), tell(script, 'resident')]);
  expect(served.answers).toEqual(executed.answers);
  expect(executed.codes.join(' ')).toBe(codes);
}

/** What came of a script's calls. */
type Told = {
  /** What callers see, byte for byte but for what is each host's own. */
  readonly answers: readonly string[];
  /** The error codes, 0 for a success. */
  readonly codes: readonly (number | undefined)[];
};

/** A script on a host of its own, whose calls go one way. */
async function tell(script: Script, way: Way): Promise<Told> {
  await using rig = await Rig.create(way);
  const netns = await rig.container();
  const answers: string[] = [];
  const codes: (number | undefined)[] = [];
  const call: Scene['call'] = async (verb, conf, { env, ...options } = {}) => {
    const twin = { CNI_CONTAINERID: 'twin', CNI_NETNS: `/run/netns/${netns}`, ...env };
    const { status, stdout, stderr, result, error } = await rig.cni(verb, conf, 'twin', {
      ...options,
      env: twin,
    });
    answers.push(withoutOwn(`${verb} of ${conf.type}: ${status}\n${stdout}\n${stderr}`, rig));
    codes.push(status === 0 ? 0 : error?.code);
    return result;
  };
  await script({ rig, netns, call });
  return { answers, codes };
}

/** Of two hosts, what differs by chance: names, directories, and the addresses that the kernel draws for links. */
function withoutOwn(text: string, { dir, host, way: { binDir } }: Rig): string {
  return text
    .replaceAll(dir, '<dir>')
    .replaceAll(binDir, '<plugins>')
    .replaceAll(host.replace(/-h$/, ''), '<rig>')
    .replace(/\b(?!ee:ee:|02:00:00:)[0-9a-f]{2}(:[0-9a-f]{2}){5}\b/g, '<mac>');
}
