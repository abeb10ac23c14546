-- What persons know of registers. Rows are only added, but for the mark that a conflict is settled.

-- One meter taken down and another put up, at one metering point.
CREATE TABLE meter_exchange (
  id INTEGER PRIMARY KEY,
  meter_no INTEGER NOT NULL,
  at INTEGER NOT NULL,
  closing_ml INTEGER NOT NULL,
  opening_ml INTEGER NOT NULL,
  former_serial TEXT,
  serial TEXT,
  former_size TEXT NOT NULL,
  former_quantum_ml INTEGER NOT NULL,
  former_range_ml INTEGER NOT NULL,
  reason TEXT NOT NULL,
  by TEXT NOT NULL,
  entered_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX meter_exchange_by_meter ON meter_exchange (meter_no, at);

-- A person's word on a register at an instant; the newest of an instant counts.
CREATE TABLE register_decision (
  id INTEGER PRIMARY KEY,
  meter_no INTEGER NOT NULL,
  measured_at INTEGER NOT NULL,
  index_ml INTEGER NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  by TEXT NOT NULL,
  entered_at INTEGER NOT NULL
) STRICT;
CREATE INDEX register_decision_by_meter ON register_decision (meter_no, measured_at, id);

-- Instants with different registers.
CREATE TABLE register_conflict (
  meter_no INTEGER NOT NULL,
  measured_at INTEGER NOT NULL,
  found_at INTEGER NOT NULL,
  settled_at INTEGER,
  PRIMARY KEY (meter_no, measured_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX register_conflict_open ON register_conflict (measured_at, meter_no)
  WHERE settled_at IS NULL;
