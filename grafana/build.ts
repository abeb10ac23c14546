/** Writes grafana/dashboards/*.json, which Grafana reads at its start: `node grafana/build.ts`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { alarmFiguresBoard } from "./alarmFigures.ts";
import { fleet } from "./fleet.ts";
import { controlRoom } from "./controlRoom.ts";
import { meter } from "./meter.ts";

/** Every dashboard as the text of its file, by file name. */
export function dashboardFiles(): Readonly<Record<string, string>> {
  const dashboards = {
    "alarm-figures.json": alarmFiguresBoard(),
    "control-room.json": controlRoom(),
    "fleet.json": fleet(),
    "meter.json": meter(),
  };
  const files = Object.entries(dashboards).map(([name, dashboard]) => [
    name,
    `${JSON.stringify(dashboard, null, 2)}\n`,
  ]);
  return Object.fromEntries(files);
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(dashboardFiles())) {
    writeFileSync(join(import.meta.dirname, "dashboards", name), text);
  }
}
