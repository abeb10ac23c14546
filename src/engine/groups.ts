/** Meters that share a fate: behind one gateway, or, where none speaks for them, in one area. */
import type { Meter } from "#domain/meter.ts";
import type { Memory } from "./memory.ts";

/** Derived from registry and gateways, and made anew when they change. */
export interface Groups {
  readonly meters: number;
  readonly gateways: number;
  readonly gatewayOf: ReadonlyMap<string, string>;
  readonly sizes: ReadonlyMap<string, number>;
}

/** `gateway G1` or `area binhai-3`. */
export function groupOf(memory: Memory, meter: Meter): string {
  return nameIn(groups(memory).gatewayOf, meter);
}

/** Active meters of each group. */
export function groupSizes(memory: Memory): ReadonlyMap<string, number> {
  return groups(memory).sizes;
}

function nameIn(gatewayOf: ReadonlyMap<string, string>, meter: Meter): string {
  const gateway = gatewayOf.get(meter.id);
  return gateway === undefined ? `area ${meter.area}` : `gateway ${gateway}`;
}

function groups(memory: Memory): Groups {
  const { groups: known, registryVersion } = memory;
  if (known !== null && known.version === registryVersion) return known.groups;
  const gatewayOf = new Map<string, string>();
  for (const [gateway, meterIds] of memory.gateways) {
    for (const id of meterIds) gatewayOf.set(id, gateway);
  }
  const sizes = new Map<string, number>();
  for (const meter of memory.meters.values()) {
    if (meter.lifecycle !== "active") continue;
    const name = nameIn(gatewayOf, meter);
    sizes.set(name, (sizes.get(name) ?? 0) + 1);
  }
  const made = { meters: memory.meters.size, gateways: memory.gateways.size, gatewayOf, sizes };
  memory.groups = { version: registryVersion, groups: made };
  return made;
}
