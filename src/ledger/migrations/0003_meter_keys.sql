-- Keys of ciphered meters, sealed by a master key that is not in this file or beside it.
CREATE TABLE meter_key (
  meter_no INTEGER NOT NULL REFERENCES meter (no),
  purpose TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  master_id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  set_at INTEGER NOT NULL,
  PRIMARY KEY (meter_no, purpose)
) STRICT;

-- What was decoded after all, once its key or profile was there; the row stays as a trace.
ALTER TABLE quarantine ADD COLUMN settled_at INTEGER;
