import type { AttachmentCall } from '../../lib/cni/dispatch.ts';
import { Fields } from '../../lib/cni/fields.ts';
import { type Environment, parseAttachment } from '../../lib/cni/invocation.ts';
import { parseJson } from '../../lib/cni/json.ts';
import { parseNetConf } from '../../lib/cni/netconf.ts';
import { type Result, renderResult } from '../../lib/cni/result.ts';
import type { Plan } from '../../lib/plan/operation.ts';
import { renderPlan } from '../../lib/plan/render.ts';

/** Plans the ADD of one plugin without carrying it out. */
export type Explainer = (call: AttachmentCall) => { readonly plan: Plan; readonly result: Result };

/** What one plugin of a configuration would do. */
export type Explanation = {
  readonly type: string;
  /** The plan as text; undefined for a plugin that is not ours. */
  readonly plan: string | undefined;
  readonly result: object | undefined;
};

/**
 * Explains a network configuration, or each plugin of a configuration list.
 * @param env CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME and CNI_ARGS as the ADD would have them
 * @throws CniError as the ADD's parsing and planning would
 */
export function explainConfiguration(
  text: string,
  env: Environment,
  explainers: ReadonlyMap<string, Explainer>,
): readonly Explanation[] {
  return toConfigurations(parseJson(text, 'the network configuration or list on stdin')).map((json) => {
    const conf = parseNetConf(json);
    const explain = explainers.get(conf.type);
    if (explain === undefined) return { type: conf.type, plan: undefined, result: undefined };
    const { plan, result } = explain({ conf, env, pluginPath: [], attachment: parseAttachment(env) });
    return { type: conf.type, plan: renderPlan(plan), result: renderResult(result, conf.cniVersion) };
  });
}

/** The explanations as text; `#` begins what is no line of a script. */
export function renderExplanations(explanations: readonly Explanation[]): string {
  return explanations
    .map(({ type, plan, result }) =>
      plan === undefined
        ? `# ${type}: not a plugin that fairlead can explain`
        : `# ${type}: would do\n${plan}\n# ${type}: would answer\n${JSON.stringify(result, null, 2)}`,
    )
    .join('\n\n');
}

/** A list's plugins get its name and version, as the runtime gives them. */
function toConfigurations(json: unknown): readonly unknown[] {
  const fields = new Fields(json, '');
  const { cniVersion, name } = json as { cniVersion?: unknown; name?: unknown };
  const plugins = fields.array('plugins', (plugin, path) => {
    new Fields(plugin, path);
    return { ...(plugin as object), cniVersion, name };
  });
  return plugins ?? [json];
}
