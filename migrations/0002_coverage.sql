-- The ledger of event time: what was covered by complete results, what is left out, and what is lost.
--
-- A watermark says where covered time ends, and can't say that a stretch before it was never covered.

-- From where on event time is owed: where the first run's window began.
ALTER TABLE track ADD COLUMN origin INTEGER;

-- A few rows a track: neighbours that say the same are one. What no row speaks of is a gap.
CREATE TABLE coverage (
    track INTEGER NOT NULL REFERENCES track (track),
    -- The stretch is [start, stop), in nanoseconds since 1970 in UTC.
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL CHECK (stop > start),
    fate TEXT NOT NULL CHECK (fate IN ('covered', 'skipped', 'lost')),
    -- The run that decided it, by its id: it may be past its retention.
    run TEXT NOT NULL,
    why TEXT,
    -- The run with which people were told of a loss.
    told TEXT,
    PRIMARY KEY (track, start)
) STRICT, WITHOUT ROWID;

-- What the watermark said until now: thirty days before it are covered, but for the half hour that the older
-- default of `late` leaves open.
UPDATE track SET origin = watermark - 2592000000000000 WHERE watermark IS NOT NULL;
INSERT INTO coverage (track, start, stop, fate, run)
    SELECT track, watermark - 2592000000000000, watermark - 1800000000000, 'covered', 'before'
    FROM track WHERE watermark IS NOT NULL;
