-- People who are told by short message or mail: contacts are personal data and stand only here.
CREATE TABLE recipient (
  id TEXT PRIMARY KEY,
  json TEXT NOT NULL
) STRICT;
-- Each telling; the newest are kept.
CREATE TABLE notification (
  no INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  recipient_id TEXT NOT NULL,
  waiting INTEGER NOT NULL,
  json TEXT NOT NULL
) STRICT;
CREATE INDEX notification_list ON notification (recipient_id, no);
CREATE INDEX notification_waiting ON notification (no) WHERE waiting = 1;
