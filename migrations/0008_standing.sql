-- The hunts that stood at the last load: a hunt that no longer loads keeps its last good version running, also over a
-- restart of the daemon, and `list` says so.

CREATE TABLE standing (
    hunt TEXT NOT NULL PRIMARY KEY,
    -- The file that it stood in, as the daemon named it.
    file TEXT NOT NULL,
    -- The version that runs: the last good one.
    version INTEGER NOT NULL REFERENCES hunt_version (version),
    -- The commit that this version comes from, where its file is in git as it is.
    commit_id TEXT,
    -- What is wrong with the hunt now, as JSON; NULL where it loads.
    fault TEXT CHECK (fault IS NULL OR json_valid(fault))
) STRICT, WITHOUT ROWID;
-- Which versions stand: asked by their foreign key.
CREATE INDEX standing_version ON standing (version);
