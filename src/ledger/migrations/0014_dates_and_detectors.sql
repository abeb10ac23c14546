-- Days of the calendar that a meter must not pass unseen, and detectors of gas that are watched like meters.
ALTER TABLE meter ADD COLUMN kind TEXT NOT NULL DEFAULT 'meter';
ALTER TABLE meter ADD COLUMN verification_due_on TEXT;
ALTER TABLE meter ADD COLUMN retirement_due_on TEXT;
