-- What runs cost the tenant: CPU of a run, and sums by the hour.

-- CPU of a run, where the API says it. A table of its own: a column that is added to `run` would lie behind its
-- `members`, and listings would read those too. Only the older API says it, so most runs have no row here.
CREATE TABLE run_cpu (
    run INTEGER PRIMARY KEY REFERENCES run (seq) ON DELETE CASCADE,
    nanos INTEGER NOT NULL CHECK (nanos >= 0)
) STRICT;

-- Sums of what runs spent, by the hour in which they began: averages and shares are asked often, and 100 hunts on 100
-- tenants make a million runs a day. A covering index on `run` would have a million entries to read then, and more
-- to keep; this has a row for each hunt, tenant and hour in which it ran, however often it did.
CREATE TABLE spending (
    -- The hour's beginning, in nanoseconds since 1970 in UTC. First in the key, as a question is always for the last
    -- hours, and what is written lies at the end.
    hour INTEGER NOT NULL,
    track INTEGER NOT NULL REFERENCES track (track),
    -- Kept apart, as a catch-up or a run by hand says little of what a usual run costs.
    trigger TEXT NOT NULL CHECK (trigger IN ('schedule', 'catch_up', 'manual')),
    -- Runs that made a call; one that couldn't spent nothing.
    runs INTEGER NOT NULL CHECK (runs > 0),
    calls INTEGER NOT NULL CHECK (calls >= runs),
    api_nanos INTEGER NOT NULL CHECK (api_nanos >= 0),
    -- How many of the runs have a CPU, and its sum.
    cpu_runs INTEGER NOT NULL CHECK (cpu_runs BETWEEN 0 AND runs),
    cpu_nanos INTEGER NOT NULL CHECK (cpu_nanos >= 0),
    rows INTEGER NOT NULL CHECK (rows >= 0),
    PRIMARY KEY (hour, track, trigger)
) STRICT, WITHOUT ROWID;

-- Runs from before; what their CPU was nobody kept.
INSERT INTO spending (hour, track, trigger, runs, calls, api_nanos, cpu_runs, cpu_nanos, rows)
    SELECT started / 3600000000000 * 3600000000000, track, trigger, count(*), sum(calls), sum(api_nanos), 0, 0, sum(rows)
    FROM run WHERE calls > 0
    GROUP BY 1, 2, 3;
