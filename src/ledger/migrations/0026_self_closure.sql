-- A meter may shut itself when nobody has taken its uplinks for so many days. NULL: nobody has said that it does.
ALTER TABLE meter ADD COLUMN self_closes_after_days INTEGER;
