-- When a close that was refused in its first day may be let go; null: it was refused for nothing of that kind.
ALTER TABLE command ADD COLUMN armed_at INTEGER;
-- An order as its meter will get it, written when it was queued. No key is in it: nothing here signs with one.
CREATE TABLE command_frame (
  command_id TEXT PRIMARY KEY,
  frame BLOB NOT NULL,
  sha256 TEXT NOT NULL,
  -- What it was written from: another address, dialect or instant, and it is written anew.
  basis TEXT NOT NULL,
  encoded_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
