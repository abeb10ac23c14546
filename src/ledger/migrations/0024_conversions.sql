-- What a meter's volume is converted to base conditions by, from an instant on. Rows are only added; the newest of an instant counts.
CREATE TABLE meter_conversion (
  id INTEGER PRIMARY KEY,
  meter_no INTEGER NOT NULL,
  from_at INTEGER NOT NULL,
  gas_pressure_pa INTEGER NOT NULL,
  gas_temperature_centi_k INTEGER NOT NULL,
  base_pressure_pa INTEGER NOT NULL,
  base_temperature_centi_k INTEGER NOT NULL,
  compressibility_millionths INTEGER NOT NULL,
  method TEXT NOT NULL,
  reason TEXT NOT NULL,
  by TEXT NOT NULL,
  entered_at INTEGER NOT NULL
) STRICT;
CREATE INDEX meter_conversion_by_meter ON meter_conversion (meter_no, from_at, id);
