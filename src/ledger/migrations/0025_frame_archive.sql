-- Files of raw frames that have left the table `uplink` (docs/READING-STORE.md, "Frames"). Frames with an entry in the
-- quarantine stay in the table.
CREATE TABLE frame_file (
  no INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  row_count INTEGER NOT NULL,
  chunk_count INTEGER NOT NULL,
  size INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  -- Frames up to this number are removed from the table already.
  removed_to INTEGER NOT NULL,
  -- 1: retention has let it go.
  dropped INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX frame_file_counting ON frame_file (dropped, last_seq);
CREATE INDEX frame_file_newest ON frame_file (last_seq);
