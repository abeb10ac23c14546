/** One line on standard error that says how far a long command is; nothing when nobody looks. */

const everyMs = 200;

export interface ProgressLine {
  readonly say: (what: string, done: number, of: number) => void;
  end(): void;
}

export function progressLine(command: string): ProgressLine {
  const { isTTY } = process.stderr;
  let saidMs = -Infinity;
  let saidWhat = "";
  return {
    say(what, done, of) {
      const nowMs = performance.now();
      if (nowMs - saidMs < everyMs && what === saidWhat) return;
      const isNew = what !== saidWhat;
      saidMs = nowMs;
      saidWhat = what;
      const text = `${command}: ${what}${of === 0 ? "" : ` ${done} of ${of}`}`;
      if (isTTY) process.stderr.write(`\r${text}\u001b[K`);
      else if (isNew) process.stderr.write(`${text}\n`);
    },
    end() {
      if (isTTY) process.stderr.write("\r\u001b[K");
    },
  };
}
