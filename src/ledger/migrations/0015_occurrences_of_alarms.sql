-- The explanation of an alarm shows each time that its condition held.
CREATE INDEX occurrence_by_alarm ON occurrence (alarm_id, id);
CREATE INDEX rule_document_in_force ON rule_document (in_force_at, no);
