/** Ports that stay the same over every start of one run. */
import { createServer } from "node:net";

/**
 * Below the range from which the kernel picks ports for outgoing connections: a meter that knocks at a dead service
 * could otherwise be given that very port, talk to itself and keep the service from coming back.
 */
const firstPort = 20_000;
const ports = 10_000;

/** So many different ports of the loopback address that are free now. */
export async function freePorts(count: number, next: () => number): Promise<readonly number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = firstPort + Math.floor(next() * ports);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
