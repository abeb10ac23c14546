/** What was promised about sleepy meters, held against the ledger's file and the meters' own notes. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import type { OrderArrival, Sleeper, Wake } from "./sleeper.ts";
import type { Order } from "./stories.ts";

export interface SleepyFindings {
  /** At the meter after their time, by its own clock. */
  late: number;
  /** Movements beyond the first of one command. */
  secondMovements: number;
  /** An older order arrived in a wake in which a newer one waited. */
  overtaken: number;
  /** More than two orders in one wake. */
  crowded: number;
  /** Commands that had a whole listening window, and how many arrived in the first. */
  windows: number;
  inFirstWindow: number;
  /** Of those that were not: on their way to the meter when the service was killed. */
  cutByKill: number;
  /** Those that did not arrive in their first window, in words. */
  readonly missed: string[];
  readonly violations: string[];
  readonly facts: Record<string, unknown>;
}

interface CommandRow {
  readonly id: string;
  readonly meterId: string;
  readonly action: string;
  readonly state: string;
  readonly detail: string | null;
  readonly sequence: number;
  readonly requestedAtMs: number;
  readonly expiresAtMs: number;
  readonly queuedAtMs: number | null;
  readonly endedAtMs: number;
  /** 1: it was on its way when the service died. */
  readonly wasCut: number;
}

const ordersPerWakeMax = 2;
/** Ended before their time, and not by their meter. */
const withdrawn = new Set(["superseded", "cancelled", "refused"]);

/** Compares the ledger of a stopped service with what came to the meters. */
export function checkSleepers(
  dataDir: string,
  sleepers: readonly Sleeper[],
  orders: readonly Order[],
): SleepyFindings {
  const found: SleepyFindings = {
    late: 0,
    secondMovements: 0,
    overtaken: 0,
    crowded: 0,
    windows: 0,
    inFirstWindow: 0,
    cutByKill: 0,
    missed: [],
    violations: [],
    facts: {},
  };
  const rows = readCommands(dataDir);
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const { id, sleeper } of orders) {
    if (!byId.has(id)) found.violations.push(`lost: ${id} of ${sleeper.meter.id}`);
  }
  for (const sleeper of sleepers) {
    const own = rows.filter(({ meterId }) => meterId === sleeper.meter.id);
    checkMeter(sleeper, own, found);
  }
  const states: Record<string, number> = {};
  for (const { state, detail } of rows) {
    // The id of the newer one says nothing here.
    const name = detail === null || state === "superseded" ? state : `${state} (${detail})`;
    states[name] = (states[name] ?? 0) + 1;
  }
  found.facts["states"] = states;
  found.facts["arrivals"] = sleepers.reduce((sum, { arrivals }) => sum + arrivals.length, 0);
  found.facts["movements"] = sleepers.reduce((sum, { meter }) => sum + meter.movements, 0);
  return found;
}

function readCommands(dataDir: string): readonly CommandRow[] {
  const db = new DatabaseSync(join(dataDir, "ledger.sqlite"), { readOnly: true });
  try {
    const rows = db.prepare(
      `SELECT c.id, meter.id AS meterId, action, state, detail, sequence,
         requested_at AS requestedAtMs,
         expires_at AS expiresAtMs,
         (SELECT min(at) FROM command_transition WHERE command_id = c.id AND state = 'queued')
           AS queuedAtMs,
         (SELECT max(at) FROM command_transition WHERE command_id = c.id) AS endedAtMs,
         EXISTS (SELECT 1 FROM command_transition WHERE command_id = c.id AND state = 'unknown'
           AND detail = 'restart') AS wasCut
       FROM command AS c JOIN meter ON meter.no = meter_no ORDER BY c.id`,
    );
    return rows.all() as unknown as readonly CommandRow[];
  } finally {
    db.close();
  }
}

function checkMeter(sleeper: Sleeper, own: readonly CommandRow[], found: SleepyFindings): void {
  const arrived = new Map<CommandRow, OrderArrival[]>();
  const inWake = new Map<Wake, number>();
  for (const arrival of sleeper.arrivals) {
    const command = commandOf(own, arrival);
    if (command === undefined) {
      found.violations.push(`${sleeper.meter.id}: an order that nobody gave: ${arrival.order.key}`);
      continue;
    }
    arrived.set(command, [...(arrived.get(command) ?? []), arrival]);
    checkTime(command, arrival, found);
    if (arrival.wake === null) continue;
    inWake.set(arrival.wake, (inWake.get(arrival.wake) ?? 0) + 1);
    checkNewest(command, arrival.wake, own, found);
  }
  for (const [wake, count] of inWake) {
    if (count <= ordersPerWakeMax) continue;
    found.crowded += 1;
    found.violations.push(`${sleeper.meter.id}: ${count} orders in the wake of ${wake.fromMs}`);
  }
  for (const [{ id, action }, times] of arrived) {
    // The motor of this meter runs on every order to close that arrives.
    if (action !== "close" || times.length < 2) continue;
    found.secondMovements += times.length - 1;
    found.violations.push(`${sleeper.meter.id}: ${id} moved the valve ${times.length} times`);
  }
  for (const command of own) checkWindow(sleeper, command, arrived.get(command)?.[0], found);
}

/** CJ/T 188 has no ids on the wire; in one run a meter's sequence is given once to what was not refused. */
function commandOf(own: readonly CommandRow[], { order }: OrderArrival): CommandRow | undefined {
  return own.find(({ id, sequence, queuedAtMs }) =>
    order.commandId === null
      ? sequence === order.sequence && queuedAtMs !== null
      : id === order.commandId,
  );
}

function checkTime(command: CommandRow, { atMs, order }: OrderArrival, found: SleepyFindings) {
  const { id, meterId, expiresAtMs } = command;
  if (atMs >= expiresAtMs) {
    found.late += 1;
    found.violations.push(`late: ${id} came to ${meterId} ${atMs - expiresAtMs} ms after expiry`);
  }
  if (order.expiresAtMs !== null && order.expiresAtMs !== expiresAtMs) {
    found.violations.push(`${id}: the order says ${order.expiresAtMs}, the ledger ${expiresAtMs}`);
  }
}

function checkNewest(
  command: CommandRow,
  wake: Wake,
  own: readonly CommandRow[],
  found: SleepyFindings,
): void {
  const newer = own.find(
    ({ requestedAtMs, queuedAtMs }) =>
      requestedAtMs > command.requestedAtMs && queuedAtMs !== null && queuedAtMs < wake.fromMs,
  );
  if (newer === undefined) return;
  found.overtaken += 1;
  found.violations.push(`${command.meterId}: ${command.id} came although ${newer.id} waited`);
}

/** The first wake after queueing in which the service took a report must bring the order, if it is still wanted. */
function checkWindow(
  { wakes }: Sleeper,
  command: CommandRow,
  arrival: OrderArrival | undefined,
  found: SleepyFindings,
): void {
  const { queuedAtMs, expiresAtMs, state, endedAtMs } = command;
  if (queuedAtMs === null) return;
  const first = wakes.find(({ fromMs, isHeard }) => isHeard && fromMs >= queuedAtMs);
  const untilMs = first?.untilMs ?? null;
  if (untilMs === null || expiresAtMs <= untilMs) return;
  if (arrival === undefined && withdrawn.has(state) && endedAtMs <= untilMs) return;
  found.windows += 1;
  if (arrival !== undefined && arrival.atMs <= untilMs) found.inFirstWindow += 1;
  else {
    found.cutByKill += command.wasCut;
    const came = arrival === undefined ? "never" : `${arrival.atMs - queuedAtMs} ms after queueing`;
    found.missed.push(
      `${command.meterId} ${command.action} ${state}: window ${(first?.fromMs ?? 0) - queuedAtMs} to ` +
        `${untilMs - queuedAtMs} ms after queueing, came ${came}`,
    );
  }
}
