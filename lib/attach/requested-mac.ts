import { unexpected } from '../cni/fields.ts';
import type { Attachment } from '../cni/invocation.ts';
import type { NetConf } from '../cni/netconf.ts';
import { type Mac, parseMac } from '../net/mac.ts';

/**
 * The MAC asked for: `runtimeConfig.mac` before `args.cni.mac` before CNI_ARGS `MAC`.
 * @throws CniError code 7 for what is no unicast MAC
 */
export function parseRequestedMac({ fields }: NetConf, { args }: Attachment): Mac | undefined {
  const wanted = 'a unicast MAC such as 02:00:00:00:00:01';
  const fromRuntime = fields.object('runtimeConfig')?.parsed('mac', wanted, parseMac);
  const fromArgs = fields.object('args')?.object('cni')?.parsed('mac', wanted, parseMac);
  const text = [...args].find(([key]) => key.toUpperCase() === 'MAC')?.[1] ?? '';
  const fromEnvironment = text === '' ? undefined : parseMac(text);
  if (text !== '' && fromEnvironment === undefined) throw unexpected('CNI_ARGS MAC', wanted, text);
  return fromRuntime ?? fromArgs ?? fromEnvironment;
}
