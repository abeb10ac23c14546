-- A work order follows an alarm to the meter and back to the customer: JSON beside what it is looked for by.
CREATE TABLE work_order (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  alarm_id TEXT NOT NULL,
  meter_no INTEGER,
  json TEXT NOT NULL
) STRICT;
CREATE INDEX work_order_list ON work_order (opened_at, id);
CREATE INDEX work_order_open ON work_order (id) WHERE state NOT IN ('called_back', 'cancelled');
