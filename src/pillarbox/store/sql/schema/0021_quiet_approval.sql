-- A question that does not come up by itself: its account was asked often enough today. Whoever is
-- signed in looks for it.
ALTER TABLE approval ADD COLUMN is_quiet INTEGER NOT NULL DEFAULT 0;
