-- Its time has come: from then on it waits for its turn, however long that takes, and whichever server is there.
ALTER TABLE orders ADD COLUMN due INTEGER NOT NULL DEFAULT 0;
