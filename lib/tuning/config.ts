import { parseRequestedMac } from '../attach/requested-mac.ts';
import type { Fields } from '../cni/fields.ts';
import type { Attachment } from '../cni/invocation.ts';
import type { NetConf } from '../cni/netconf.ts';
import { parseMac } from '../net/mac.ts';
import { isAnySet, type LinkSettings, noSettings } from './settings.ts';
import { parseSysctls, type Sysctl } from './sysctl.ts';

/** What a configuration asks of the container's interface. */
export type TuningConfig = {
  readonly sysctls: readonly Sysctl[];
  readonly link: LinkSettings;
  /** Where DEL finds what is to be put back; undefined where the interface goes with the attachment. */
  readonly backupDir: string | undefined;
};

/** Whether the configuration is that of the plugin of this name, chained after one that has made the interface. */
export function isChained({ type }: NetConf): boolean {
  return type === 'tuning';
}

/**
 * What is asked for at an attachment; undefined for nothing. Of a plugin that makes the interface itself, MAC and MTU are
 * its own, and not asked for here.
 * @throws CniError code 7
 */
export function parseTuning(conf: NetConf): ((attachment: Attachment) => TuningConfig) | undefined {
  return isChained(conf) ? parseChained(conf) : parseOwn(conf);
}

function parseOwn({ fields }: NetConf): ReturnType<typeof parseTuning> {
  const config = { sysctls: parseSysctls(fields), link: parseFlags(fields), backupDir: undefined };
  return config.sysctls.length === 0 && !isAnySet(config.link) ? undefined : () => config;
}

/** What `args.cni` says stands instead of the configuration's own, name by name. */
function parseChained(conf: NetConf): ReturnType<typeof parseTuning> {
  const { fields } = conf;
  const args = fields.object('args')?.object('cni');
  const sources = args === undefined ? [fields] : [fields, args];
  const links = sources.map((each) => ({ ...parseFlags(each), mtu: parseMtu(each) }));
  const sysctls = new Map(sources.flatMap(parseSysctls).map((sysctl) => [sysctl.path, sysctl]));
  const mac = fields.parsed('mac', 'a unicast MAC such as 02:00:00:00:00:01', parseMac);
  const backupDir = parseBackupDir(conf);
  return (attachment) => ({
    sysctls: [...sysctls.values()],
    link: { ...links.reduce(overlay), mac: parseRequestedMac(conf, attachment) ?? mac },
    backupDir,
  });
}

/**
 * Where the reference's plugin keeps what it puts back, so that either's DEL can undo the other's ADD.
 * @throws CniError code 7
 */
export function parseBackupDir({ fields }: NetConf): string {
  return fields.parsed('dataDir', 'an absolute path', toDirectory) ?? '/run/cni/tuning';
}

function toDirectory(text: string): string | undefined {
  return text.startsWith('/') && !text.includes('\0') ? text.replace(/(?<=.)\/+$/, '') : undefined;
}

/** `promisc: false` asks for nothing, as for the reference: whoever has switched it on keeps it. */
function parseFlags(fields: Fields): LinkSettings {
  return {
    ...noSettings,
    promiscuous: fields.boolean('promisc') || undefined,
    allMulticast: fields.boolean('allmulti'),
    txQueueLength: fields.integer('txQLen', { min: 0, max: 4_294_967_295 }),
  };
}

/** Zero asks for nothing. */
function parseMtu(fields: Fields): number | undefined {
  return fields.integer('mtu', { min: 0, max: 65_535 }) || undefined;
}

function overlay(below: LinkSettings, above: LinkSettings): LinkSettings {
  return {
    mac: above.mac ?? below.mac,
    mtu: above.mtu ?? below.mtu,
    promiscuous: above.promiscuous ?? below.promiscuous,
    allMulticast: above.allMulticast ?? below.allMulticast,
    txQueueLength: above.txQueueLength ?? below.txQueueLength,
  };
}
