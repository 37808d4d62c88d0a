-- What the account was paid and has paid, row by row as the venue lists it; it forgets them after three months.
-- `income_id` is unique within its kind. `amount` is signed, positive when received; `symbol` is '' for a transfer.
CREATE TABLE income (
    seq INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    kind TEXT NOT NULL,
    income_id INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    amount TEXT NOT NULL,
    asset TEXT NOT NULL,
    at TEXT NOT NULL,
    booked_at TEXT NOT NULL,
    UNIQUE (scope, kind, income_id)
) STRICT;
CREATE INDEX income_by_time ON income (scope, at);

-- The account behind a symbol, about once a minute; `at` is when it was read. liquidation_price NULL: there is none.
CREATE TABLE account_samples (
    scope TEXT NOT NULL,
    symbol TEXT NOT NULL,
    at TEXT NOT NULL,
    position_base TEXT NOT NULL,
    mark_price TEXT NOT NULL,
    margin_balance_quote TEXT NOT NULL,
    maintenance_margin_quote TEXT NOT NULL,
    available_quote TEXT NOT NULL,
    liquidation_price TEXT,
    funding_rate TEXT NOT NULL,
    next_funding_at TEXT NOT NULL,
    PRIMARY KEY (scope, symbol, at)
) STRICT, WITHOUT ROWID;

-- A fill that the exchange told by itself, and that its trade list has not confirmed yet.
ALTER TABLE fills ADD COLUMN told INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1));
