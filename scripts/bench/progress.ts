/** Tells on stderr how far the bench is. */
export type Progress = { readonly tell: (what: string) => void };

/** Where nobody watches, a line for each round would only fill a log. */
const quietMs = 10_000;

/** On a terminal one line that changes; elsewhere a line for each new thing, and every 10 s. */
export function createProgress(stream: NodeJS.WriteStream): Progress {
  // A terminal that is lost must not end the clean-up.
  stream.on('error', () => undefined);
  return { tell: stream.isTTY === true ? tellTerminal(stream) : tellLog(stream) };
}

function tellTerminal(stream: NodeJS.WriteStream): Progress['tell'] {
  let last = '';
  return (what) => {
    stream.write(`${isNew(what, last) ? '\n' : '\r'}\x1b[K${clock()} ${what}`);
    last = what;
  };
}

function tellLog(stream: NodeJS.WriteStream): Progress['tell'] {
  let [last, toldAtMs] = ['', 0];
  return (what) => {
    if (!isNew(what, last) && performance.now() - toldAtMs < quietMs) return;
    stream.write(`${clock()} ${what}\n`);
    [last, toldAtMs] = [what, performance.now()];
  };
}

/** What stands before the colon says what it is about; the rest changes. */
function isNew(what: string, last: string): boolean {
  return what.split(':')[0] !== last.split(':')[0];
}

/** Minutes and seconds since the start. */
function clock(): string {
  const seconds = Math.floor(performance.now() / 1000);
  return `[${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}]`;
}
