/** One line that BIRD answers with: `birdc -v` shows the code of each. */
export type ReplyLine = { readonly code: number; readonly text: string };

/** Output of `birdc -v`; what has no code continues the line before, in columns of its own. */
export function parseReply(text: string): readonly ReplyLine[] {
  const lines: ReplyLine[] = [];
  for (const line of text.split('\n')) {
    const coded = /^(\d{4})[ -](.*)$/.exec(line);
    const code = coded === null ? lines.at(-1)?.code : Number(coded[1]);
    const isText = coded !== null || line.startsWith('     ');
    if (code !== undefined && isText) lines.push({ code, text: coded?.[2] ?? line.slice(5) });
  }
  return lines;
}

/** Whether BIRD says that it cannot do what it was told, with its reason: codes from 8000 on. */
export function refusalIn(lines: readonly ReplyLine[]): string | undefined {
  return lines.find(({ code }) => code >= 8000)?.text;
}

/** What `show status` tells. */
export type BirdState = {
  /** "2.0.12"; undefined where it does not name itself so. */
  readonly version: string | undefined;
  readonly routerId: string | undefined;
  /** When it was started, as it says it: by which one run is told from another. */
  readonly startedAt: string | undefined;
};

export function parseState(lines: readonly ReplyLine[]): BirdState {
  const find = (pattern: RegExp) => lines.map(({ text }) => pattern.exec(text)?.[1]).find(Boolean);
  return {
    // Its greeting begins alike, but is birdc's to read.
    version: /^BIRD v?(\d+(?:\.\d+)*)/.exec(lines.find(({ code }) => code === 1000)?.text ?? '')?.[1],
    routerId: find(/^Router ID is (\S+)/),
    startedAt: find(/^Last reboot on (.+)/),
  };
}

/** One BGP protocol as `show protocols` tells of it. */
export type ProtocolState = {
  readonly name: string;
  /** Of BGP: "Established", "Active", "Connect", …; empty for a protocol that is down. */
  readonly state: string;
  /** As BIRD says it: "2026-11-21 15:34:56". */
  readonly since: string;
  readonly lastError: string | undefined;
};

const tableRow =
  /^(\S+)\s+BGP\s+\S+\s+(?:up|start|down|stop|flush)\s+(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\S+)\s*(\S*)\s*(.*)$/;

/** Protocols of BGP alone. */
export function parseProtocols(lines: readonly ReplyLine[]): readonly ProtocolState[] {
  return lines.flatMap(({ code, text }) => {
    const [, name, since = '', state = '', error = ''] = (code === 1002 && tableRow.exec(text)) || [];
    if (name === undefined) return [];
    return [{ name, state, since, lastError: error.trim() === '' ? undefined : error.trim() }];
  });
}

/** One route of `show route`: a network has several where several protocols know it. */
export type BirdRoute = { readonly dst: string; readonly protocol: string };

export function parseBirdRoutes(lines: readonly ReplyLine[]): readonly BirdRoute[] {
  const routes: BirdRoute[] = [];
  for (const { code, text } of lines) {
    const [, dst = routes.at(-1)?.dst, protocol] =
      (code === 1007 && /^(\S+\/\d+)?\s+[a-z]+ \[(\w+) /.exec(text)) || [];
    if (dst !== undefined && protocol !== undefined) routes.push({ dst, protocol });
  }
  return routes;
}
