-- Who is told of events over HTTP: JSON, with the place it has come to; secrets are derived and stand nowhere.
CREATE TABLE webhook (
  id TEXT PRIMARY KEY,
  json TEXT NOT NULL
) STRICT;
-- Every sending and what came of it; the newest of each webhook are kept.
CREATE TABLE delivery (
  no INTEGER PRIMARY KEY,
  webhook_id TEXT NOT NULL,
  event_seq INTEGER NOT NULL,
  event_kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  status INTEGER,
  reason TEXT NOT NULL,
  duration_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX delivery_list ON delivery (webhook_id, no);
