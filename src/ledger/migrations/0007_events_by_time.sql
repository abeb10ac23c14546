-- The key figures of alarms ask for a span of time.
CREATE INDEX event_by_time ON event (at, seq);
