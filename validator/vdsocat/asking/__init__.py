"""Asking the catalogue from a prepared index: what is read for every question loads next to nothing."""
