-- What is known of the conversation with each gateway that speaks Sparkplug B: JSON, in the part that changes with each
-- uplink and the part that only births and deaths change.
CREATE TABLE edge_node (
  id TEXT PRIMARY KEY,
  now TEXT NOT NULL,
  births TEXT NOT NULL
) STRICT;
