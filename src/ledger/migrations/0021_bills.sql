-- What bills were made with. Rows are only added: better data makes an adjustment beside them.
CREATE TABLE determinant (
  id INTEGER PRIMARY KEY,
  bill TEXT NOT NULL,
  meter_no INTEGER NOT NULL,
  from_at INTEGER NOT NULL,
  to_at INTEGER NOT NULL,
  volume_ml INTEGER,
  -- Registers that were read at the very instant; NULL where they were found otherwise.
  opening_ml INTEGER,
  closing_ml INTEGER,
  hash TEXT NOT NULL,
  json TEXT NOT NULL,
  by TEXT NOT NULL,
  frozen_at INTEGER NOT NULL,
  UNIQUE (bill, meter_no)
) STRICT;
CREATE INDEX determinant_by_meter ON determinant (meter_no, from_at);

-- What a bill is to be changed by, to come to what is known now.
CREATE TABLE adjustment (
  id INTEGER PRIMARY KEY,
  determinant_id INTEGER NOT NULL REFERENCES determinant (id),
  volume_ml INTEGER NOT NULL,
  hash TEXT NOT NULL,
  json TEXT NOT NULL,
  reason TEXT NOT NULL,
  by TEXT NOT NULL,
  made_at INTEGER NOT NULL
) STRICT;
CREATE INDEX adjustment_by_determinant ON adjustment (determinant_id, id);
