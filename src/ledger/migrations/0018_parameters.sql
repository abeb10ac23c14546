-- What an order changes of its meter's behaviour, as JSON; null with every other order.
ALTER TABLE command ADD COLUMN parameters TEXT;
