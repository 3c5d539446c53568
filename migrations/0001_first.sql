-- The first schema: runs and what they said of hits, the outbox, and the quota's ledger.
--
-- Instants are nanoseconds since 1970 in UTC, so that they compare as numbers. All tables are
-- STRICT: a text in a column of numbers is a fault of ours, and shall fail where it is made.
-- Packed BLOBs begin with a version byte and a CRC-32 (src/ports/store/pack.rs): many small rows
-- cost ten times as much as few large ones, and SQLite itself keeps no checksum of its pages.

-- "hunt" in ASCII: tells our file from another program's.
PRAGMA application_id = 1752526452;

-- What is the database's own. One row.
CREATE TABLE installation (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    -- Tells run ids of different databases apart.
    database_id TEXT NOT NULL CHECK (length(database_id) = 32),
    -- Keys the fingerprints of rows, so that nobody who writes rows can prepare two that share one.
    secret BLOB NOT NULL CHECK (length(secret) = 32)
) STRICT;

-- A hunt on a tenant: where its history stands.
CREATE TABLE track (
    track INTEGER PRIMARY KEY,
    hunt TEXT NOT NULL,
    tenant TEXT NOT NULL,
    -- Runs that may have moved the hits. A run that compared with an older one is refused.
    generation INTEGER NOT NULL DEFAULT 0 CHECK (generation >= 0),
    -- The ordinal that the next new hit takes.
    next_ordinal INTEGER NOT NULL DEFAULT 0 CHECK (next_ordinal BETWEEN 0 AND 4294967296),
    -- Hits before this ordinal are forgotten.
    first_ordinal INTEGER NOT NULL DEFAULT 0 CHECK (first_ordinal BETWEEN 0 AND next_ordinal),
    -- Before this ordinal steps were laid together: they don't say all that happened.
    laid_ordinal INTEGER NOT NULL DEFAULT 0 CHECK (laid_ordinal BETWEEN 0 AND next_ordinal),
    -- The first instant of event time not covered.
    watermark INTEGER,
    -- The latest tick of the schedule that was served.
    last_due INTEGER,
    complete_runs INTEGER NOT NULL DEFAULT 0 CHECK (complete_runs >= 0),
    failures_in_row INTEGER NOT NULL DEFAULT 0 CHECK (failures_in_row >= 0),
    -- The class of the last failure in that row.
    failing_as TEXT,
    -- The last run, by its `seq`; no foreign key, as the run may be past its retention.
    last_run INTEGER,
    -- Found by its name; also the order of listings.
    UNIQUE (hunt, tenant)
) STRICT;

-- The parts of a track that may be large, apart from the counters, which every run writes.
CREATE TABLE track_memory (
    track INTEGER PRIMARY KEY REFERENCES track (track),
    -- Hits that a threshold holds back: a packed bitmap of ordinals.
    held BLOB NOT NULL,
    -- Suppressed groups and until when, packed.
    suppressions BLOB NOT NULL
) STRICT;

-- Each definition that ever ran, once: a notice shows the hunt as it was when it ran.
CREATE TABLE hunt_version (
    version INTEGER PRIMARY KEY,
    hunt TEXT NOT NULL,
    hash TEXT NOT NULL,
    definition TEXT NOT NULL,
    -- What a notice shows of it, as JSON.
    notice TEXT NOT NULL CHECK (json_valid(notice)),
    -- By hunt too, as two hunts may be alike but for an id that comes from the file's path.
    UNIQUE (hunt, hash)
) STRICT;

-- A run. `seq` is the order of commits.
CREATE TABLE run (
    seq INTEGER PRIMARY KEY,
    run TEXT NOT NULL UNIQUE,
    track INTEGER NOT NULL REFERENCES track (track),
    version INTEGER NOT NULL REFERENCES hunt_version (version),
    due INTEGER NOT NULL,
    started INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    window_from INTEGER,
    window_to INTEGER,
    as_of INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('ok', 'failed', 'partial')),
    rows INTEGER NOT NULL CHECK (rows >= 0),
    new INTEGER NOT NULL CHECK (new >= 0),
    changed INTEGER NOT NULL CHECK (changed >= 0),
    gone INTEGER NOT NULL CHECK (gone >= 0),
    returned INTEGER NOT NULL CHECK (returned >= 0),
    calls INTEGER NOT NULL CHECK (calls >= 0),
    api_nanos INTEGER NOT NULL CHECK (api_nanos >= 0),
    error TEXT,
    commit_id TEXT,
    trigger TEXT NOT NULL CHECK (trigger IN ('schedule', 'catch_up', 'manual')),
    -- How many steps of hits and rows it stored: listings of hits pass over runs without any.
    steps INTEGER NOT NULL CHECK (steps >= 0),
    query TEXT NOT NULL,
    -- The hits that the result held, a packed bitmap of ordinals. Last, as SQLite reads a row only
    -- as far as it must.
    members BLOB,
    CHECK ((window_from IS NULL) = (window_to IS NULL)),
    -- Nothing is taken from a failed run, not even an empty result.
    CHECK ((status = 'failed') = (members IS NULL))
) STRICT;
-- `runs`, newest first.
CREATE INDEX run_started ON run (started);
-- `runs HUNT`.
CREATE INDEX run_track_started ON run (track, started);
-- `runs --failed`, which are few among many.
CREATE INDEX run_failed ON run (started) WHERE status = 'failed';
-- Which runs a definition has: asked by its foreign key.
CREATE INDEX run_version ON run (version);
-- Where a hit was last seen: from the newest result back.
CREATE INDEX run_members ON run (track, seq) WHERE members IS NOT NULL;
-- `hits`: most runs find nothing new.
CREATE INDEX run_steps ON run (track, seq) WHERE steps > 0;

-- How hits moved: the state that a result is compared with is all of a track's deltas in order.
-- They outlive their run's retention, and so say themselves when they were made.
CREATE TABLE delta (
    delta INTEGER PRIMARY KEY,
    track INTEGER NOT NULL REFERENCES track (track),
    -- Its `seq`; 0 for the steps of several runs that are past their retention, laid together.
    run INTEGER NOT NULL,
    started INTEGER NOT NULL,
    -- The ordinal after all hits known by then: says when a hit was first seen without a look into
    -- the packed part.
    next_ordinal INTEGER NOT NULL,
    -- Whether it says `gone` of a hit: rows aren't stored for those.
    has_gone INTEGER NOT NULL CHECK (has_gone IN (0, 1)),
    packed BLOB NOT NULL
) STRICT;
-- Replay in order; and, without the table, when a hit was first seen.
CREATE INDEX delta_track ON delta (track, delta, run, next_ordinal, started);
-- A run's steps: the ids of its rows, and its gone hits.
CREATE INDEX delta_run ON delta (run, has_gone);

-- When hits were first seen, of runs whose steps are laid together: up to which ordinal the run that began then knew hits.
CREATE TABLE share (
    track INTEGER NOT NULL REFERENCES track (track),
    next_ordinal INTEGER NOT NULL,
    started INTEGER NOT NULL,
    PRIMARY KEY (track, next_ordinal)
) STRICT, WITHOUT ROWID;

-- The columns that rows have, each list once: names and types as JSON, in the order of the answer.
CREATE TABLE row_schema (
    schema INTEGER PRIMARY KEY,
    columns TEXT NOT NULL UNIQUE CHECK (json_valid(columns))
) STRICT;

-- Stored rows, up to a thousand a block: packed records, and the rows' values, column by column, under zstd.
CREATE TABLE block (
    block INTEGER PRIMARY KEY,
    track INTEGER NOT NULL REFERENCES track (track),
    run INTEGER NOT NULL REFERENCES run (seq),
    -- The lowest and the highest ordinal in it: new hits lie side by side, so a search for one
    -- hit's rows passes over nearly all blocks.
    low INTEGER NOT NULL,
    high INTEGER NOT NULL CHECK (high >= low),
    schema INTEGER NOT NULL REFERENCES row_schema (schema),
    records BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;
-- A run's rows.
CREATE INDEX block_run ON block (run);
-- Which blocks have these columns: asked by their foreign key.
CREATE INDEX block_schema ON block (schema);
-- A hit's last rows, from the newest back.
CREATE INDEX block_track ON block (track, block, run, low, high);

-- Which texts may stand in a block's rows (src/rules/sieve): a table of its own, as searches read it and not the blocks.
CREATE TABLE block_sieve (
    block INTEGER PRIMARY KEY REFERENCES block (block) ON DELETE CASCADE,
    -- How long it is, in units of 32 bytes.
    lanes INTEGER NOT NULL CHECK (lanes > 0),
    bits BLOB NOT NULL
) STRICT;
-- Of which length there are enough to be laid together.
CREATE INDEX block_sieve_lanes ON block_sieve (lanes, block);

-- Sieves of one length that were laid together: the blocks that they are of, eight bytes each. A block that is gone by now
-- leaves its place.
CREATE TABLE sieve_group (
    sieve_group INTEGER PRIMARY KEY,
    lanes INTEGER NOT NULL CHECK (lanes > 0),
    blocks BLOB NOT NULL
) STRICT;

-- One lane of each sieve of a group. `lane` is the group's number times 2^24, and the lane's.
CREATE TABLE sieve_lane (
    lane INTEGER PRIMARY KEY,
    bits BLOB NOT NULL
) STRICT;

-- The outbox: written with its run, sent after, marked after that.
CREATE TABLE delivery (
    seq INTEGER PRIMARY KEY,
    delivery TEXT NOT NULL UNIQUE,
    -- The run of which it tells; none where it is about huntd's own trouble.
    run INTEGER REFERENCES run (seq),
    channel TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    hits INTEGER NOT NULL CHECK (hits >= 0),
    error TEXT,
    created INTEGER NOT NULL,
    sent INTEGER,
    -- When it may be claimed; a claim sets it to the claim's end, so a claim of a process that died
    -- lapses by itself.
    next_attempt INTEGER,
    -- When `next_attempt` was set: where this lies ahead, the clock was set back since.
    touched INTEGER NOT NULL,
    -- The process that has claimed it: when that one died, the claim is void at once.
    owner TEXT,
    -- Hits and what is told of them, in order, packed.
    told BLOB NOT NULL,
    CHECK ((state = 'sent') = (sent IS NOT NULL)),
    CHECK ((state = 'pending') = (next_attempt IS NOT NULL)),
    CHECK (owner IS NULL OR state = 'pending')
) STRICT;
-- What is pending, few among many; and `deliveries --failed`.
CREATE INDEX delivery_state ON delivery (state, seq);
-- What is claimed now, by whom.
CREATE INDEX delivery_owner ON delivery (owner) WHERE owner IS NOT NULL;
-- A run's deliveries, for retention.
CREATE INDEX delivery_run ON delivery (run);

-- The quota's ledger: each call, entered before it goes out.
CREATE TABLE call (
    call INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    sent INTEGER NOT NULL,
    -- NULL while it is under way.
    answered INTEGER CHECK (answered >= sent),
    -- The process that makes it: after a crash nobody else would end it.
    owner TEXT NOT NULL
) STRICT;
-- The calls of the last hour, by either end; NULL, a call under way, is a value of the second.
CREATE INDEX call_sent ON call (tenant, sent);
CREATE INDEX call_answered ON call (tenant, answered);
-- Calls that a dead process left open.
CREATE INDEX call_open ON call (owner) WHERE answered IS NULL;

-- Tenants that may not be called until a moment.
CREATE TABLE tenant_block (
    tenant TEXT NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL,
    reason TEXT NOT NULL,
    said TEXT NOT NULL
) STRICT, WITHOUT ROWID;
