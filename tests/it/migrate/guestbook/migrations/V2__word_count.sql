ALTER TABLE entries ADD COLUMN words INTEGER NOT NULL DEFAULT 0;

-- Words are what stands between spaces, tabs and line ends. Spaces become `<>` pairs of two characters that no message
-- holds, so that `><` inside a run of them vanishes and one pair is left for each run; then the pairs are counted.
UPDATE entries SET words = (
    SELECT CASE line WHEN '' THEN 0 ELSE 1 + (length(pairs) - length(replace(pairs, char(1), ''))) END
    FROM (
        SELECT line, replace(replace(line, ' ', char(1, 2)), char(2, 1), '') AS pairs
        FROM (
            SELECT trim(replace(replace(replace(message, char(9), ' '), char(10), ' '), char(13), ' ')) AS line
        )
    )
);
