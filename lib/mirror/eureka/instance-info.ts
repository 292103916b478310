/** An instance as Eureka's JSON has it; what is in it is anybody's. */
export type RawInstance = Readonly<Record<string, unknown>>;

/** What is said of an instance, as far as this machine goes by it. */
export type InstanceInfo = {
  readonly instanceId: string;
  /** Upper case. */
  readonly app: string;
  readonly ipAddr: string;
  /** 0 where none is enabled. */
  readonly port: number;
  /** What counts, whoever has set it. */
  readonly status: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** In answers that tell of changes, which one it was. */
  readonly actionType: string;
};

/** Services with their instances. */
export type Applications = {
  /** How many instances of each status the whole registry has, such as `DOWN_1_UP_37_`. */
  readonly hashCode: string;
  readonly instances: readonly RawInstance[];
};

/** `{"applications": …}`; undefined for anything else. A list of one may come without its brackets. */
export function parseApplications(json: unknown): Applications | undefined {
  const applications = objectOf(objectOf(json)?.applications);
  if (applications === undefined) return undefined;
  const hashCode = applications.apps__hashcode;
  return {
    hashCode: typeof hashCode === 'string' ? hashCode : '',
    instances: listOf(applications.application).flatMap((application) => instancesOf(application)),
  };
}

/** `{"application": …}`: the instances of one service; undefined for anything else. */
export function parseApplication(json: unknown): readonly RawInstance[] | undefined {
  const application = objectOf(objectOf(json)?.application);
  return application && instancesOf(application);
}

/** `{"instance": …}`; undefined for anything else. */
export function parseInstance(json: unknown): RawInstance | undefined {
  return objectOf(objectOf(json)?.instance);
}

/** Undefined for what nobody could be sent to. */
export function parseInstanceInfo(raw: RawInstance): InstanceInfo | undefined {
  const [app, ipAddr, status] = [textOf(raw.app), textOf(raw.ipAddr), textOf(raw.status)];
  if (app === undefined || ipAddr === undefined) return undefined;
  return {
    // Old clients send none, and the server goes by the name of the host.
    instanceId: textOf(raw.instanceId) ?? textOf(raw.hostName) ?? ipAddr,
    app: app.toUpperCase(),
    ipAddr,
    port: enabledPort(raw.port) ?? enabledPort(raw.securePort) ?? 0,
    status: status ?? 'UNKNOWN',
    metadata: parseMetadata(raw.metadata),
    actionType: textOf(raw.actionType) ?? '',
  };
}

/** Pairs of text. An empty one comes with the name of its Java class. */
export function parseMetadata(value: unknown): Readonly<Record<string, string>> {
  const pairs = Object.entries(objectOf(value) ?? {});
  return Object.fromEntries(
    pairs.flatMap(([name, text]) =>
      typeof text === 'string' && !name.startsWith('@') ? [[name, text] as const] : [],
    ),
  );
}

export function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function instancesOf(application: unknown): readonly RawInstance[] {
  const instances = listOf(objectOf(application)?.instance);
  return instances.map(objectOf).filter((instance) => instance !== undefined);
}

function enabledPort(value: unknown): number | undefined {
  const { $: port, '@enabled': enabled } = objectOf(value) ?? {};
  return String(enabled) === 'true' ? Number(port) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
