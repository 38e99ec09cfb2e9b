"""Sweeping over every kernel that Debian offers: which there are, what each carries, and what that says in sum."""
