const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A duration as Go and Consul write it ("500ms", "10s", "1m30s", "1.5h"), in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const part = /(\d+(?:\.\d+)?)(ms|s|m|h)/y;
  let totalMs = 0;
  while (part.lastIndex < text.length) {
    const [, amount, unit] = part.exec(text) ?? [];
    if (amount === undefined || unit === undefined) return undefined;
    totalMs += Number(amount) * (unitsMs[unit] ?? 0);
  }
  return text === '' ? undefined : totalMs;
}
