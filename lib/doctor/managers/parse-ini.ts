/** One line `key=value` of a file with sections in brackets. */
export type Setting = {
  readonly section: string;
  readonly key: string;
  /** `key+=value`: what was said before holds, too. */
  readonly adds: boolean;
  readonly value: string;
};

/** A key file as NetworkManager and systemd have it; comments begin with `#` or `;`. */
export function parseIni(text: string): readonly Setting[] {
  let section = '';
  const settings: Setting[] = [];
  for (const line of text.split('\n').map((each) => each.trim())) {
    const heading = /^\[(.+)\]$/.exec(line)?.[1];
    const [, key, plus, value] = /^([^#;=+\s][^=+\s]*)\s*(\+?)=\s*(.*)$/.exec(line) ?? [];
    if (heading !== undefined) section = heading;
    else if (key !== undefined) settings.push({ section, key, adds: plus === '+', value: value ?? '' });
  }
  return settings;
}
