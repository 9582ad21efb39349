-- An order may have a time before which it does not begin; until then it stands in nobody's way.
ALTER TABLE orders ADD COLUMN not_before TEXT;
