-- What is on record before anybody may open a valve at the meter; null with every other order.
ALTER TABLE command ADD COLUMN work_order TEXT;
ALTER TABLE command ADD COLUMN leak_check TEXT;
ALTER TABLE command ADD COLUMN leak_check_at INTEGER;
