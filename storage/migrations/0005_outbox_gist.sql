-- What a message is about, a JSON object: many that waited are told together by it. NULL: it is told by itself.
ALTER TABLE outbox ADD COLUMN gist TEXT;
