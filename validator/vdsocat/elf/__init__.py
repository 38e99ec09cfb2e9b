"""Reading vDSO images."""
