"""The parts of the report: each module turns some of the facts into HTML, or into nothing when they are missing."""
