-- The ledger of the closed loop. Times are milliseconds since 1970 (UTC), registers are whole
-- millilitres, words are the public ones of CONTRACT: a person with a SQLite shell can read it all.

-- Raw frames, exactly as they arrived. Nothing deletes them yet: retention is later work.
CREATE TABLE uplink (
  seq INTEGER PRIMARY KEY,
  meter_no INTEGER,
  route TEXT NOT NULL,
  protocol TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  bytes BLOB NOT NULL
) STRICT;

CREATE TABLE quarantine (
  id INTEGER PRIMARY KEY,
  uplink_seq INTEGER NOT NULL REFERENCES uplink (seq) DEFERRABLE INITIALLY DEFERRED,
  meter_no INTEGER,
  protocol TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX quarantine_by_uplink ON quarantine (uplink_seq);

-- Meters arrive in shuffled order, so one index over (meter, time) would dirty another page with
-- nearly every reading. Instead the index is cut into generations of 32,768 readings: inserts stay
-- within one small part of it, and a look-up visits only the generations whose time span fits.
-- Measured: 2 µs instead of 10 µs a reading.
CREATE TABLE reading (
  seq INTEGER PRIMARY KEY,
  generation INTEGER NOT NULL GENERATED ALWAYS AS (seq >> 15) VIRTUAL,
  meter_no INTEGER NOT NULL,
  measured_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  device_at INTEGER,
  index_ml INTEGER,
  raw_count INTEGER,
  raw_exponent INTEGER,
  flow_ml_per_hour INTEGER,
  temperature_centi_c INTEGER,
  pressure_pa INTEGER,
  battery_mv INTEGER,
  battery_pct INTEGER,
  signal_dbm INTEGER,
  valve TEXT,
  status INTEGER,
  quality TEXT NOT NULL,
  flags INTEGER NOT NULL,
  uplink_seq INTEGER NOT NULL
) STRICT;
CREATE INDEX reading_by_meter ON reading (generation, meter_no, measured_at);

-- No reading of the generation was measured before `from_at` or after `to_at`, both whole hours.
CREATE TABLE reading_generation (
  n INTEGER PRIMARY KEY,
  from_at INTEGER NOT NULL,
  to_at INTEGER NOT NULL
) STRICT;

-- What a reading was before it was judged again.
CREATE TABLE reading_revision (
  id INTEGER PRIMARY KEY,
  reading_seq INTEGER NOT NULL REFERENCES reading (seq),
  at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  former TEXT NOT NULL
) STRICT;
CREATE INDEX reading_revision_by_reading ON reading_revision (reading_seq);

-- What the engine remembers of each meter, as it wrote it.
CREATE TABLE context (
  meter_no INTEGER PRIMARY KEY,
  json TEXT NOT NULL
) STRICT;

CREATE TABLE checkpoint (
  meter_no INTEGER NOT NULL,
  at INTEGER NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (meter_no, at)
) STRICT;

CREATE TABLE meter (
  no INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  size TEXT NOT NULL,
  protocol TEXT NOT NULL,
  quantum_ml INTEGER NOT NULL,
  register_range_ml INTEGER NOT NULL,
  area TEXT NOT NULL,
  site_class TEXT NOT NULL,
  longitude REAL,
  latitude REAL,
  crs TEXT,
  address TEXT,
  critical INTEGER NOT NULL,
  frame_address TEXT,
  report_every_ms INTEGER NOT NULL,
  lifecycle TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX meter_by_area ON meter (area, id);

CREATE TABLE gateway (id TEXT PRIMARY KEY) STRICT;
CREATE TABLE gateway_meter (
  gateway_id TEXT NOT NULL REFERENCES gateway (id),
  meter_id TEXT NOT NULL,
  PRIMARY KEY (gateway_id, meter_id)
) STRICT, WITHOUT ROWID;

-- Several per user name while one is being rotated.
CREATE TABLE credential (
  username TEXT NOT NULL,
  kind TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  PRIMARY KEY (username, secret_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
  id TEXT PRIMARY KEY,
  key_hash TEXT NOT NULL,
  role TEXT NOT NULL,
  label TEXT NOT NULL
) STRICT;

CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE idempotency (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  request_hash TEXT NOT NULL,
  response TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (at);

-- `standing` and `age_rank` are the order of the list: what nobody has seen, then the priority,
-- then the newest.
CREATE TABLE alarm (
  id TEXT PRIMARY KEY,
  meter_no INTEGER,
  rule TEXT NOT NULL,
  rule_version INTEGER NOT NULL,
  level INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  occurrence INTEGER NOT NULL,
  historical INTEGER NOT NULL,
  state TEXT NOT NULL,
  raised_at INTEGER NOT NULL,
  returned_at INTEGER,
  known_at INTEGER NOT NULL,
  acknowledged_at INTEGER,
  acknowledged_by TEXT,
  proof TEXT NOT NULL,
  standing INTEGER NOT NULL GENERATED ALWAYS AS (
    CASE
      WHEN state IN ('unacknowledged', 'returned-unacknowledged', 'latched-unacknowledged') THEN 0
      WHEN state <> 'normal' THEN 1
      ELSE 2
    END
  ) VIRTUAL,
  age_rank INTEGER NOT NULL GENERATED ALWAYS AS (-known_at) VIRTUAL
) STRICT;
-- One live alarm per meter and rule. Alarms of the system have no meter and share number 0.
CREATE UNIQUE INDEX alarm_live ON alarm (ifnull(meter_no, 0), rule)
  WHERE state <> 'normal' AND historical = 0;
CREATE INDEX alarm_list ON alarm (standing, priority, age_rank, id);
CREATE INDEX alarm_by_meter ON alarm (meter_no, standing, priority, age_rank, id);

CREATE TABLE alarm_comment (
  id INTEGER PRIMARY KEY,
  alarm_id TEXT NOT NULL REFERENCES alarm (id),
  at INTEGER NOT NULL,
  by TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX alarm_comment_by_alarm ON alarm_comment (alarm_id);

CREATE TABLE occurrence (
  id INTEGER PRIMARY KEY,
  meter_no INTEGER NOT NULL,
  rule TEXT NOT NULL,
  raised_at INTEGER NOT NULL,
  returned_at INTEGER,
  level INTEGER NOT NULL,
  proof TEXT NOT NULL,
  alarm_id TEXT NOT NULL,
  retracted_at INTEGER
) STRICT;
-- By the end, for the window is asked for what is open or ended in it; a meter whose bit chatters has years of
-- occurrences that ended long ago.
CREATE INDEX occurrence_by_end ON occurrence (meter_no, returned_at) WHERE retracted_at IS NULL;

CREATE TABLE command (
  id TEXT PRIMARY KEY,
  meter_no INTEGER NOT NULL,
  action TEXT NOT NULL,
  cause_kind TEXT NOT NULL,
  cause_ref TEXT NOT NULL,
  reason TEXT NOT NULL,
  state TEXT NOT NULL,
  detail TEXT,
  sequence INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  requested_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  sent_at INTEGER
) STRICT;
CREATE INDEX command_list ON command (requested_at, id);
CREATE INDEX command_by_meter ON command (meter_no, requested_at, id);
CREATE INDEX command_open ON command (requested_at, id) WHERE state NOT IN
  ('refused', 'verified', 'passing', 'failed', 'expired', 'superseded', 'cancelled');

-- Appended only.
CREATE TABLE command_transition (
  command_id TEXT NOT NULL REFERENCES command (id),
  n INTEGER NOT NULL,
  state TEXT NOT NULL,
  at INTEGER NOT NULL,
  by TEXT NOT NULL,
  detail TEXT,
  PRIMARY KEY (command_id, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX command_authorised ON command_transition (at) WHERE state = 'authorised';

CREATE TABLE event (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  meter_no INTEGER,
  json TEXT NOT NULL
) STRICT;

-- A hash chain from the first row. `audit_head` repeats the newest hash, so that a cut end is
-- noticed as well.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  role TEXT NOT NULL,
  act TEXT NOT NULL,
  subject TEXT NOT NULL,
  reason TEXT,
  detail TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE TABLE audit_head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL
) STRICT;
