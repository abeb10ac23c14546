/** The machine's clock of a program that is started with it, an hour ahead while a file is there. */

/** A value of NODE_OPTIONS; each thread of the program sees the same clock. */
export function movableClock(file: string): string {
  const source = `
    import { existsSync } from "node:fs";
    const now = Date.now;
    let aheadMs = 0;
    setInterval(() => { aheadMs = existsSync(${JSON.stringify(file)}) ? 3600000 : 0; }, 100).unref();
    Date.now = () => now() + aheadMs;`;
  return `--import=data:text/javascript,${encodeURIComponent(source)}`;
}
