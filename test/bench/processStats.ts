/** CPU and memory of a process, thread by thread, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

export interface ThreadCpu {
  readonly tid: number;
  readonly name: string;
  readonly seconds: number;
}

export function threadCpu(pid: number): readonly ThreadCpu[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((tid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/task/${tid}/stat`, "utf8");
      const close = stat.lastIndexOf(")");
      const fields = stat.slice(close + 2).split(" ");
      const ticks = Number(fields[11]) + Number(fields[12]);
      const name = stat.slice(stat.indexOf("(") + 1, close);
      return [{ tid: Number(tid), name, seconds: ticks / ticksPerSecond }];
    } catch {
      // The thread ended between the listing and the reading.
      return [];
    }
  });
}

export interface CpuShares {
  readonly main: number;
  readonly engine: number;
  readonly others: number;
}

/** Seconds used between two looks: the main thread, the busiest other one (the engine), the rest. */
export function cpuBetween(
  pid: number,
  before: readonly ThreadCpu[],
  after: readonly ThreadCpu[],
): CpuShares {
  const used = after.map(({ tid, seconds }) => {
    const earlier = before.find((thread) => thread.tid === tid)?.seconds ?? 0;
    return { tid, seconds: seconds - earlier };
  });
  const main = used.find(({ tid }) => tid === pid)?.seconds ?? 0;
  const rest = used.filter(({ tid }) => tid !== pid).map(({ seconds }) => seconds);
  const engine = rest.length === 0 ? 0 : Math.max(...rest);
  const others = rest.reduce((sum, seconds) => sum + seconds, 0) - engine;
  return { main, engine, others };
}

export interface MemoryMb {
  readonly rss: number;
  readonly peak: number;
}

export function memoryMb(pid: number): MemoryMb {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kilobytes = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
  return {
    rss: Math.round(kilobytes("VmRSS") / 1024),
    peak: Math.round(kilobytes("VmHWM") / 1024),
  };
}
