-- Planned work that explains alarms for a time (docs/ALARMS.md): JSON beside what it is looked for by.
CREATE TABLE planned_work (
  id TEXT PRIMARY KEY,
  from_at INTEGER NOT NULL,
  -- 1: somebody has said that it is over.
  ended INTEGER NOT NULL,
  json TEXT NOT NULL
) STRICT;
CREATE INDEX planned_work_list ON planned_work (from_at, id);
CREATE INDEX planned_work_open ON planned_work (id) WHERE ended = 0;
