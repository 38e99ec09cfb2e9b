"""Holding captures to expectations: comparison, rules, findings, verdicts."""
