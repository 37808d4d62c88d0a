-- What is set from chat belongs to one mode and account, as everything else does: going live inherits nothing from paper.
-- No program wrote to the table before. hedge is '' for a setting of the whole program; file_value is NULL when the file
-- did not name the key.
DROP TABLE overrides;
CREATE TABLE overrides (
    scope TEXT NOT NULL,
    hedge TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    file_value TEXT,
    actor TEXT NOT NULL,
    set_at TEXT NOT NULL,
    PRIMARY KEY (scope, hedge, key)
) STRICT, WITHOUT ROWID;
