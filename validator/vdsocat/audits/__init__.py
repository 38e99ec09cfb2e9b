"""What others say of the vDSO, held against the catalogue: documents and consumers."""
