"""A catalogue of the Linux vDSO's ABI, and a validator that holds real kernels to it."""

__version__ = "0.1.0"
