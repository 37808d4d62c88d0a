-- What exact accounting needs of a moment; NULL is unknown. `landmark`: the last before or the first after a change of
-- what is held, or the first of an hour: these alone tell a long period.
ALTER TABLE series ADD COLUMN mark_price TEXT;
ALTER TABLE series ADD COLUMN lp_base TEXT;
ALTER TABLE series ADD COLUMN lp_quote TEXT;
ALTER TABLE series ADD COLUMN fee_base TEXT;
ALTER TABLE series ADD COLUMN fee_quote TEXT;
ALTER TABLE series ADD COLUMN landmark INTEGER NOT NULL DEFAULT 0 CHECK (landmark IN (0, 1));
CREATE INDEX series_landmarks ON series (scope, hedge, at) WHERE landmark = 1;

-- What a hedge is made of from `at` on, written when it changes: its perpetual, and its LP positions as a JSON list.
CREATE TABLE holdings (
    scope TEXT NOT NULL,
    hedge TEXT NOT NULL,
    at TEXT NOT NULL,
    symbol TEXT NOT NULL,
    positions TEXT NOT NULL,
    PRIMARY KEY (scope, hedge, at)
) STRICT, WITHOUT ROWID;
