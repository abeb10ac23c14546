-- Rule documents: what was shown to whom and when, and every change of the rules in force. Nothing here is ever changed.
CREATE TABLE rule_preview (
  hash TEXT PRIMARY KEY,
  version TEXT NOT NULL,
  previewed_at INTEGER NOT NULL,
  by TEXT NOT NULL,
  role TEXT NOT NULL,
  document TEXT NOT NULL
) STRICT;
CREATE TABLE rule_document (
  no INTEGER PRIMARY KEY,
  -- NULL: the factory's rules.
  version TEXT,
  hash TEXT,
  document TEXT,
  source TEXT NOT NULL CHECK (source IN ('file', 'api')),
  previewed_at INTEGER,
  in_force_at INTEGER NOT NULL,
  by TEXT NOT NULL,
  role TEXT,
  reason TEXT
) STRICT;
CREATE INDEX rule_document_version ON rule_document (version);
-- What came from settings files before; their content had no hash.
INSERT INTO rule_document (no, version, hash, document, source, in_force_at, by)
SELECT entry.key + 1,
  json_extract(entry.value, '$.document.version'),
  CASE WHEN json_extract(entry.value, '$.document') IS NULL THEN NULL ELSE '' END,
  CASE WHEN json_extract(entry.value, '$.document') IS NULL THEN NULL
    ELSE json_set(json_extract(entry.value, '$.document'), '$.hash', '') END,
  'file',
  json_extract(entry.value, '$.fromMs'),
  'settings file'
FROM setting, json_each(setting.value) AS entry WHERE setting.name = 'rules.history';
DELETE FROM setting WHERE name = 'rules.history';
