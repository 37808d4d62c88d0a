-- Amounts are TEXT holding a decimal number exactly; times are TEXT, ISO 8601 UTC with six decimals and a Z, so that
-- text order is time order. `scope` is "<mode>:<account>": rows of paper and live, or of two accounts, never meet.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE plans (
    seq INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    hedge TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
    quantity_base TEXT NOT NULL,
    reduce_only INTEGER NOT NULL CHECK (reduce_only IN (0, 1)),
    reason TEXT NOT NULL,
    gap_base TEXT NOT NULL,
    reference_price TEXT NOT NULL,
    approval_id TEXT,
    created_at TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'done', 'cancelled', 'failed')),
    closed_at TEXT,
    UNIQUE (scope, plan_id)
) STRICT;
CREATE INDEX plans_by_approval ON plans (scope, approval_id) WHERE approval_id IS NOT NULL;
CREATE UNIQUE INDEX plans_one_active ON plans (scope, hedge) WHERE state = 'active';

-- client_order_id is unique in the whole database for ever: two scopes may name one venue account (a renewed key).
CREATE TABLE orders (
    seq INTEGER PRIMARY KEY,
    client_order_id TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    hedge TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
    position_side TEXT NOT NULL CHECK (position_side IN ('BOTH', 'LONG', 'SHORT')),
    quantity_base TEXT NOT NULL,
    order_type TEXT NOT NULL,
    price TEXT,
    time_in_force TEXT,
    reduce_only INTEGER NOT NULL CHECK (reduce_only IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('intent', 'unknown', 'open', 'final', 'refused', 'absent')),
    venue_order_id INTEGER,
    executed_base TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    detail TEXT NOT NULL,
    FOREIGN KEY (scope, plan_id) REFERENCES plans (scope, plan_id)
) STRICT;
CREATE UNIQUE INDEX orders_by_venue_id ON orders (scope, symbol, venue_order_id) WHERE venue_order_id IS NOT NULL;
CREATE INDEX orders_by_plan ON orders (scope, plan_id);
CREATE INDEX orders_unsettled ON orders (scope, symbol) WHERE state IN ('intent', 'unknown', 'open');
CREATE VIEW unsettled_orders AS SELECT * FROM orders WHERE state IN ('intent', 'unknown', 'open');

CREATE TABLE fills (
    seq INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    symbol TEXT NOT NULL,
    trade_id INTEGER NOT NULL,
    venue_order_id INTEGER NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('ours', 'foreign', 'liquidation', 'adl')),
    side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
    position_side TEXT NOT NULL CHECK (position_side IN ('BOTH', 'LONG', 'SHORT')),
    price TEXT NOT NULL,
    quantity_base TEXT NOT NULL,
    fee TEXT NOT NULL,
    fee_asset TEXT NOT NULL,
    realised_pnl_quote TEXT NOT NULL,
    is_maker INTEGER NOT NULL CHECK (is_maker IN (0, 1)),
    at TEXT NOT NULL,
    booked_at TEXT NOT NULL,
    UNIQUE (scope, symbol, trade_id)
) STRICT;
CREATE INDEX fills_by_order ON fills (scope, symbol, venue_order_id);
CREATE INDEX fills_by_time ON fills (scope, at);

-- A fill belongs to the order of its venue order id; that id may become known after the fill was booked.
CREATE VIEW attributed_fills AS
SELECT fills.*, orders.hedge, orders.plan_id, orders.client_order_id
FROM fills
LEFT JOIN orders
    ON orders.scope = fills.scope AND orders.symbol = fills.symbol AND orders.venue_order_id = fills.venue_order_id;

CREATE TABLE adoptions (
    seq INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    symbol TEXT NOT NULL,
    leg TEXT NOT NULL CHECK (leg IN ('BOTH', 'LONG', 'SHORT')),
    delta_base TEXT NOT NULL,
    actor TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;

-- Running sum of fills (all but foreign ones) and adoptions, kept in the transaction that books them. Signed as the net
-- position is, also on the SHORT leg: negative is short.
CREATE TABLE leg_totals (
    scope TEXT NOT NULL,
    symbol TEXT NOT NULL,
    leg TEXT NOT NULL CHECK (leg IN ('BOTH', 'LONG', 'SHORT')),
    net_base TEXT NOT NULL,
    PRIMARY KEY (scope, symbol, leg)
) STRICT, WITHOUT ROWID;

CREATE TABLE approvals (
    seq INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    approval_id TEXT NOT NULL,
    hedge TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
    quantity_base TEXT NOT NULL,
    notional_quote TEXT NOT NULL,
    reason TEXT NOT NULL,
    shown TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'pending', 'approved', 'rejected', 'expired', 'superseded', 'voided', 'executing', 'done', 'failed'
    )),
    ask_count INTEGER NOT NULL,
    used_base TEXT NOT NULL,
    decided_at TEXT,
    decided_by TEXT,
    note TEXT,
    changed_at TEXT NOT NULL,
    UNIQUE (scope, approval_id)
) STRICT;
CREATE UNIQUE INDEX approvals_one_live ON approvals (scope, hedge) WHERE state IN ('pending', 'approved', 'executing');
CREATE VIEW live_approvals AS SELECT * FROM approvals WHERE state IN ('pending', 'approved', 'executing');
CREATE INDEX approvals_by_hedge ON approvals (scope, hedge, seq);

CREATE TABLE hedge_memory (
    scope TEXT NOT NULL,
    hedge TEXT NOT NULL,
    memory TEXT NOT NULL,
    saved_at TEXT NOT NULL,
    PRIMARY KEY (scope, hedge)
) STRICT, WITHOUT ROWID;

CREATE TABLE paper_accounts (
    scope TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    saved_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL,
    html INTEGER NOT NULL CHECK (html IN (0, 1)),
    priority INTEGER NOT NULL,
    silent INTEGER NOT NULL CHECK (silent IN (0, 1)),
    created_at TEXT NOT NULL,
    buttons TEXT NOT NULL,
    edits TEXT,
    replies_to TEXT,
    not_before TEXT,
    postponed_for TEXT,
    postponements INTEGER NOT NULL DEFAULT 0,
    finished_at TEXT
) STRICT;
CREATE INDEX outbox_waiting ON outbox (priority, created_at, seq) WHERE finished_at IS NULL;

CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY,
    key TEXT NOT NULL REFERENCES outbox (key) ON DELETE CASCADE,
    chat_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    UNIQUE (key, chat_id, message_id)
) STRICT;

CREATE TABLE commands (
    command_id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    args TEXT NOT NULL,
    actor TEXT NOT NULL,
    source TEXT NOT NULL,
    update_key TEXT UNIQUE,
    issued_at TEXT NOT NULL,
    finished_at TEXT,
    ok INTEGER CHECK (ok IN (0, 1)),
    answer TEXT
) STRICT;
CREATE INDEX commands_pending ON commands (command_id) WHERE finished_at IS NULL;

CREATE TABLE confirmations (
    token TEXT PRIMARY KEY,
    command TEXT NOT NULL,
    actor TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    taken_at TEXT
) STRICT;

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    hedge TEXT,
    at TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_hedge ON events (hedge, seq);

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    source TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END;

-- hedge is '' for a setting of the whole program; file_value is NULL when the file did not name the key.
CREATE TABLE overrides (
    hedge TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    file_value TEXT,
    actor TEXT NOT NULL,
    set_at TEXT NOT NULL,
    PRIMARY KEY (hedge, key)
) STRICT, WITHOUT ROWID;

-- Snapshots for P&L and charts; NULL is unknown. `figures`: further named amounts, a JSON object of texts.
CREATE TABLE series (
    scope TEXT NOT NULL,
    hedge TEXT NOT NULL,
    at TEXT NOT NULL,
    price TEXT,
    net_base TEXT,
    perp_base TEXT,
    gap_base TEXT,
    gap_quote TEXT,
    residual_base TEXT,
    figures TEXT NOT NULL,
    PRIMARY KEY (scope, hedge, at)
) STRICT, WITHOUT ROWID;
