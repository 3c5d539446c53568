-- What the governor of the quota knows beside the calls themselves.

-- How long a call ran until the end of its answer, and the CPU that the service says it spent, in nanoseconds. NULL
-- while it is under way, where its process died, and where the service doesn't say it.
ALTER TABLE call ADD COLUMN ran INTEGER;
ALTER TABLE call ADD COLUMN cpu INTEGER;

-- Numbers of calls that the API told of itself, with a 429.
CREATE TABLE tenant_limit (
    tenant TEXT NOT NULL,
    -- `minute` or `hour`.
    window TEXT NOT NULL,
    calls INTEGER NOT NULL,
    learnt INTEGER NOT NULL,
    PRIMARY KEY (tenant, window)
) STRICT, WITHOUT ROWID;

-- CPU in a quarter hour, in nanoseconds, at which the API blocked the tenant.
CREATE TABLE tenant_budget (
    tenant TEXT NOT NULL PRIMARY KEY,
    cpu INTEGER NOT NULL,
    learnt INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
