-- The reading store (docs/READING-STORE.md): what has just arrived as checksummed batches, and the list of files that
-- hold the rest. Rows of the former table `reading` are moved into it at the first start, some thousands at a commit.
-- `newest_seq` is the highest number that a reading had by then: it must be known even where the bytes are damaged.
CREATE TABLE reading_batch (
  no INTEGER PRIMARY KEY,
  row_count INTEGER NOT NULL,
  newest_seq INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;

-- A batch whose checksum does not fit: kept as it is, for a person to look at.
CREATE TABLE reading_batch_damaged (
  no INTEGER PRIMARY KEY,
  row_count INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  fault TEXT NOT NULL
) STRICT;

-- Batches up to to_no of the last row are in segments; those still in reading_batch are being removed.
CREATE TABLE reading_flush (
  to_no INTEGER PRIMARY KEY,
  from_no INTEGER NOT NULL,
  row_count INTEGER NOT NULL,
  kept INTEGER NOT NULL,
  repeated INTEGER NOT NULL,
  newest_seq INTEGER NOT NULL
) STRICT;

CREATE TABLE reading_file (
  no INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  name TEXT NOT NULL UNIQUE,
  from_day INTEGER NOT NULL,
  to_day INTEGER NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  row_count INTEGER NOT NULL,
  chunk_count INTEGER NOT NULL,
  size INTEGER NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  -- Lowest and highest number of a reading in it; both 0 where readings have none.
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  reason TEXT NOT NULL,
  made_from TEXT NOT NULL,
  repeated INTEGER NOT NULL,
  stale INTEGER NOT NULL DEFAULT 0,
  -- 0: it counts. Otherwise the number of the file that took its place.
  replaced_by INTEGER NOT NULL DEFAULT 0,
  replaced_reason TEXT
) STRICT;
CREATE INDEX reading_file_counting ON reading_file (replaced_by, kind, from_day);

-- By which the store cuts its days, as it was when the first of them was cut: it stays.
CREATE TABLE reading_calendar (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  zone TEXT NOT NULL,
  start_minute INTEGER NOT NULL
) STRICT;

-- Why a version of a reading was made, by the number that the version carries.
CREATE TABLE reading_reason (
  no INTEGER PRIMARY KEY,
  reason TEXT NOT NULL UNIQUE
) STRICT;
