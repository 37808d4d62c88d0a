-- Events belong to one mode and account, as everything else does. Those of before are given to the run that wrote them:
-- to the mode that the start before them names, and to the account of that mode which had begun by then.
CREATE INDEX events_started ON events (seq) WHERE kind = 'started';
CREATE TABLE scoped_events (
    seq INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    kind TEXT NOT NULL,
    hedge TEXT,
    at TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
INSERT INTO scoped_events (seq, scope, kind, hedge, at, data)
SELECT
    told.seq,
    coalesce(
        (
            SELECT substr(begun.key, 7) FROM meta AS begun
            WHERE begun.key LIKE 'began:%' AND begun.value <= told.at AND substr(begun.key, 7) LIKE (
                SELECT json_extract(started.data, '$.mode') || ':%' FROM events AS started
                WHERE started.kind = 'started' AND started.seq <= told.seq ORDER BY started.seq DESC LIMIT 1
            )
            ORDER BY begun.value DESC LIMIT 1
        ),
        (SELECT value FROM meta WHERE key = 'last_scope'),
        ''
    ),
    told.kind, told.hedge, told.at, told.data
FROM events AS told;
DROP TABLE events;
ALTER TABLE scoped_events RENAME TO events;
CREATE INDEX events_by_scope ON events (scope, seq);
CREATE INDEX events_by_hedge ON events (scope, hedge, seq);
-- What is forgotten after a while.
CREATE INDEX events_passing ON events (at) WHERE kind = 'decision_changed';
CREATE INDEX outbox_finished ON outbox (finished_at) WHERE finished_at IS NOT NULL;

-- Nothing was ever made of them.
DROP TABLE account_samples;
