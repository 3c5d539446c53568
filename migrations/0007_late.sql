-- Runs that waited for the quota until their hunt's next tick had come, and tenants on which that goes on.

-- By how much such a run was late. A table of its own, as `run_cpu` is, and few runs have a row here.
CREATE TABLE run_late (
    run INTEGER PRIMARY KEY REFERENCES run (seq) ON DELETE CASCADE,
    -- The first tick that it serves; `run.due` is the last.
    first INTEGER NOT NULL,
    -- How long after the tick that follows `first` it began, as far as it waited for the quota.
    nanos INTEGER NOT NULL CHECK (nanos > 0),
    -- How many ticks it serves besides the first.
    missed INTEGER NOT NULL CHECK (missed > 0)
) STRICT;

-- `list` asks how many of a day's runs were late: beside their number, so that no run is read.
ALTER TABLE spending ADD COLUMN late_runs INTEGER NOT NULL DEFAULT 0 CHECK (late_runs >= 0);
-- The worst of them.
ALTER TABLE spending ADD COLUMN late_nanos INTEGER NOT NULL DEFAULT 0 CHECK (late_nanos >= 0);
-- Which hunts those are: few, or none, among many.
CREATE INDEX spending_late ON spending (hour, track) WHERE late_runs > 0;

-- Where runs of a tenant were late: one row a tenant, written with each late run, whichever process makes it. Whether it
-- goes on, and is news, is judged by what is here (src/rules/overload.rs).
CREATE TABLE overload (
    tenant TEXT NOT NULL PRIMARY KEY,
    -- When the first and the last of these late runs ended.
    since INTEGER NOT NULL,
    last INTEGER NOT NULL,
    -- How many they are.
    late INTEGER NOT NULL CHECK (late > 0)
) STRICT, WITHOUT ROWID;
