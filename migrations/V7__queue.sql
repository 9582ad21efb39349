-- An order that is no update is taken before it is done: who dies in between leaves it taken, and it is not simply done again.
ALTER TABLE orders ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;
-- What came of it was the answer to the request itself.
ALTER TABLE orders ADD COLUMN at_once INTEGER NOT NULL DEFAULT 0;
-- How many seconds servers had served when it stopped waiting: wall clocks are set, and do not say when a day is over.
ALTER TABLE orders ADD COLUMN served INTEGER NOT NULL DEFAULT 0;
-- Who wants the update to go back, from before that one is answered.
ALTER TABLE updates ADD COLUMN turn_back_by TEXT;
