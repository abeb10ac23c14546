-- The model's profile, and the name under which a platform or radio network carries the meter.
ALTER TABLE meter ADD COLUMN profile TEXT;
ALTER TABLE meter ADD COLUMN carrier_address TEXT;
