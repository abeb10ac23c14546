-- Closing many valves by hand; the commands are in the table of commands.
CREATE TABLE campaign (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  requested_at INTEGER NOT NULL,
  json TEXT NOT NULL
) STRICT;
CREATE INDEX campaign_list ON campaign (requested_at, id);
CREATE INDEX campaign_open ON campaign (id) WHERE state IN ('requested', 'running');
