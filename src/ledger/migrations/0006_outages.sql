-- Several alarms of one system rule, one for each subject; and the list under a parent.
ALTER TABLE alarm ADD COLUMN subject TEXT;
DROP INDEX alarm_live;
CREATE UNIQUE INDEX alarm_live ON alarm (ifnull(meter_no, 0), rule, ifnull(subject, ''))
  WHERE state <> 'normal' AND historical = 0;
CREATE INDEX alarm_by_parent ON alarm (parent_id, standing, priority, age_rank, id)
  WHERE parent_id IS NOT NULL;
