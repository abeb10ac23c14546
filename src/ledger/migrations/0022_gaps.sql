-- Registers at gas-day boundaries that nobody read: first asked of the meter's memory, only then estimated.
CREATE TABLE register_gap (
  meter_no INTEGER NOT NULL,
  at INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  command_id TEXT,
  detail TEXT,
  opened_at INTEGER NOT NULL,
  settled_at INTEGER,
  PRIMARY KEY (meter_no, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX register_gap_requested ON register_gap (at, meter_no) WHERE state = 'requested';
