/** A ledger of a fleet that has lived: registered meters and their contexts after ten days of hourly reports. */
import { hourMs } from "#domain/units.ts";
import type { OpenLedger } from "#ledger/openLedger.ts";
import { EngineUnderTest, jsonBytes, meterDraft } from "../support/engine.ts";
import { chanceOf } from "../support/random.ts";

const livedMeters = 200;
const livedHours = 10 * 24;
const atOnce = 10_000;

/** Meters `L1` and on, each with one of a few contexts that were lived until `endMs`. */
export function fillLived(ledger: OpenLedger, meters: number, endMs: number): void {
  const texts = livedTexts(endMs);
  for (let from = 0; from < meters; from += atOnce) {
    ledger.begin();
    for (let no = from + 1; no <= Math.min(meters, from + atOnce); no += 1) {
      ledger.putMeter({ ...meterDraft(`L${no}`), no, version: 1 });
      ledger.putContext(no, texts[no % texts.length] ?? "");
    }
    ledger.commit();
  }
}

/** With kept folds, habit and valve, as the ledger has them. */
function livedTexts(endMs: number): readonly string[] {
  const engine = new EngineUnderTest();
  engine.nowMs = endMs - livedHours * hourMs;
  try {
    const chance = chanceOf(2);
    const meterNos = Array.from({ length: livedMeters }, (_none, no) => engine.register(`L${no}`));
    const litres = new Float64Array(livedMeters + 1);
    for (let hour = 0; hour < livedHours; hour += 1) {
      engine.nowMs += hourMs;
      const isDay = hour % 24 >= 6 && hour % 24 < 22;
      engine.uplinks(
        meterNos.map((meterNo) => {
          const used = isDay && chance.next() < 0.4 ? chance.whole(0, 500) : 0;
          litres[meterNo] = (litres[meterNo] ?? 0) + used;
          const volumeM3 = ((litres[meterNo] ?? 0) / 1_000).toFixed(3);
          const measuredAt = engine.nowMs - chance.whole(1, 30) * 1_000;
          const said = { status: [], valve: "open", pressureKpa: "2.00", batteryMv: 3_600 };
          return { meterNo, bytes: jsonBytes({ measuredAt, volumeM3, ...said }) };
        }),
      );
    }
    return [...engine.ledger.contexts()].map(({ json }) => json);
  } finally {
    engine.close();
  }
}
