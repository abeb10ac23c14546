-- Entries of work lists: open ones are read in the order of the alarm list.
ALTER TABLE alarm ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX alarm_listed ON alarm (standing, priority, age_rank, id)
  WHERE listed = 1 AND returned_at IS NULL;
