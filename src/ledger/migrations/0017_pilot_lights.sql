-- What burns day and night at a site by a fitter's word, so that it is not taken for a leak.
ALTER TABLE meter ADD COLUMN pilot_ml_per_hour INTEGER NOT NULL DEFAULT 0;
