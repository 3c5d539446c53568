-- How late the rows of each table arrived: what `late` should be.
--
-- Measured where a query returns event time and ingestion_time(). Counts alone, as rows go with their retention.

-- At most eleven rows for each table that a tenant's hunts read.
CREATE TABLE lateness (
    tenant TEXT NOT NULL,
    -- Of the API, such as DeviceProcessEvents.
    table_name TEXT NOT NULL,
    -- 0 to 9: within 1, 5, 15, 30 minutes, 1, 2, 4, 8, 12, 24 hours, and not within the bound before. 10: later.
    bucket INTEGER NOT NULL CHECK (bucket BETWEEN 0 AND 10),
    rows INTEGER NOT NULL CHECK (rows > 0),
    PRIMARY KEY (tenant, table_name, bucket)
) STRICT, WITHOUT ROWID;
