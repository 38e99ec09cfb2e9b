"""A catalogue of the Linux vDSO's ABI, and a validator that holds real kernels to it."""

__version__ = "0.1.0"
__all__ = ("Catalog", "InputError", "KernelRelease", "VdsocatError")

# The command line loads this module on every start, and must not pay for what only programs use.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from vdsocat.api import Catalog
    from vdsocat.errors import InputError, VdsocatError
    from vdsocat.exports import KernelRelease

_HOMES = {
    "Catalog": "vdsocat.api",
    "InputError": "vdsocat.errors",
    "KernelRelease": "vdsocat.exports",
    "VdsocatError": "vdsocat.errors",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'vdsocat' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)
