-- When the wall clock last leapt forward: if that turns out to have been wrong, what was asked for since then was
-- asked for before it had happened. Kept, as huntd may be started anew in between.

-- One row at most.
CREATE TABLE leap (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    -- The wall clock before it.
    since INTEGER NOT NULL,
    -- By how much it went forward.
    nanos INTEGER NOT NULL CHECK (nanos > 0)
) STRICT;
