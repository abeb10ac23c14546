/** What meters' volumes are converted to base conditions by. Rows are only added. */
import type { DatabaseSync } from "node:sqlite";
import type { MeterConversion } from "#domain/billing.ts";
import type { Ledger } from "#ports/ledger.ts";
import { all } from "./sql.ts";

/** The writer's half. */
export function conversionTable(db: DatabaseSync): Pick<Ledger, "putConversion"> {
  const put = db.prepare(
    `INSERT INTO meter_conversion (meter_no, from_at, gas_pressure_pa, gas_temperature_centi_k,
       base_pressure_pa, base_temperature_centi_k, compressibility_millionths, method, reason, by,
       entered_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return {
    putConversion(meterNo, conversion) {
      const { fromMs, gasPressurePa, gasTemperatureCentiK, basePressurePa } = conversion;
      const { baseTemperatureCentiK, compressibilityMillionths, method } = conversion;
      const { reason, by, enteredAtMs } = conversion;
      const gas = [gasPressurePa, gasTemperatureCentiK] as const;
      const base = [basePressurePa, baseTemperatureCentiK, compressibilityMillionths] as const;
      put.run(meterNo, fromMs, ...gas, ...base, method, reason, by, enteredAtMs);
    },
  };
}

/** The billing worker's half. */
export function conversionsOf(db: DatabaseSync): (meterNo: number) => readonly MeterConversion[] {
  const conversions = db.prepare(
    `SELECT from_at AS fromMs, gas_pressure_pa AS gasPressurePa,
       gas_temperature_centi_k AS gasTemperatureCentiK, base_pressure_pa AS basePressurePa,
       base_temperature_centi_k AS baseTemperatureCentiK,
       compressibility_millionths AS compressibilityMillionths, method, reason, by,
       entered_at AS enteredAtMs
     FROM meter_conversion WHERE meter_no = ? ORDER BY from_at, id`,
  );
  return (meterNo) => all<MeterConversion>(conversions, meterNo);
}
