-- What is wrong with huntd's own work, a cause a row, and what is told of it.

-- Causes that are there. One that is over goes.
CREATE TABLE trouble (
    -- Its kind and its subject: tells it from all others.
    key TEXT NOT NULL PRIMARY KEY,
    -- The cause as it was last seen, as JSON.
    body TEXT NOT NULL CHECK (json_valid(body)),
    since INTEGER NOT NULL,
    -- When people were last told.
    told INTEGER
) STRICT, WITHOUT ROWID;

-- What a delivery tells that is of no run, as JSON: it is told as it was when it was planned.
CREATE TABLE warning (
    delivery INTEGER PRIMARY KEY REFERENCES delivery (seq) ON DELETE CASCADE,
    body TEXT NOT NULL CHECK (json_valid(body))
) STRICT;
-- Deliveries of no run, for retention.
CREATE INDEX delivery_created ON delivery (created) WHERE run IS NULL;

-- Hunts that fail, which are few among many.
CREATE INDEX track_failing ON track (failures_in_row) WHERE failures_in_row > 0;
