"""The catalogue: its model, its files, conditions and intervals, queries and lint."""
