"""Consistency of the catalogue: rules, exemptions from them, the canonical form of its files, and coverage."""
