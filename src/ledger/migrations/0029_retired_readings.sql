-- When retention let a file of readings go, in milliseconds; 0: it did not. Then `replaced_by` is the file with each
-- meter's last readings of that time, and `replaced_reason` says why.
ALTER TABLE reading_file ADD COLUMN retired_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX reading_file_retired ON reading_file (kind, row_count) WHERE retired_at > 0;
