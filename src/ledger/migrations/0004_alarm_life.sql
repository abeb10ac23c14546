-- What hides an alarm, when it rang, and whose consequence it is.
ALTER TABLE alarm ADD COLUMN hidden TEXT;
ALTER TABLE alarm ADD COLUMN rung_at INTEGER;
ALTER TABLE alarm ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alarm ADD COLUMN parent_id TEXT;
