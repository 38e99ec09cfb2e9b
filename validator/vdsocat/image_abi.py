"""Which ABI a vDSO image is of: by its ELF header, by the kernel that carries it, and where User Mode Linux is near."""

from __future__ import annotations

from vdsocat.catalog.model import Abi, Catalog
from vdsocat.elf.image import VdsoImage
from vdsocat.exports import KernelRelease

_EF_MIPS_ABI2 = 0x20  # arch/mips/include/asm/elf.h: set in n32's ELF files, not in o32's
# VDSO_PRELINK of arch/x86/um/vdso/vdso.lds.S in all releases (v3.1 to v7.3), and of x86-64's own image up to 3.15.
_PRELINKED = 0xFFFFFFFFFF700000
_NOT_PRELINKED_SINCE = KernelRelease((3, 16))


def abis_of_image(
    image: VdsoImage, catalog: Catalog, kernel_arch: str | None = None, kernel_bits: int = 0
) -> tuple[Abi, ...]:
    """The ABIs whose image it can be, the likeliest first; more than one only of an image in a file of its own.

    User Mode Linux's image has the headers of x86-64's own, and differs in the address that it is linked to, since
    that one is linked to 0 (3.16).
    """
    fitting = [
        abi
        for abi in catalog.sorted_abis()
        if (abi.elf.machine, abi.elf.elf_class) == (image.machine, image.elf_class)
        and image.endianness in abi.elf.endianness
    ]
    if image.machine == "EM_MIPS" and image.elf_class == 32:
        is_n32 = bool(image.flags & _EF_MIPS_ABI2)
        fitting = [abi for abi in fitting if (abi.name == "mips-n32") == is_n32]
    if kernel_arch is not None:
        return tuple(abi for abi in fitting if abi.hosts_on(kernel_arch, kernel_bits)) or tuple(fitting[:1])
    # An ABI of User Mode Linux without any image is none whose image it could be.
    fitting = [abi for abi in fitting if abi.vdso or not _is_of_user_mode_linux(abi)]
    own = tuple(abi for abi in fitting if not _is_of_user_mode_linux(abi))
    if image.base != _PRELINKED or not own:
        return own or tuple(fitting)
    release = image.linux_release
    if release is not None and release >= _NOT_PRELINKED_SINCE:
        return tuple(abi for abi in fitting if _is_of_user_mode_linux(abi))
    return own + tuple(abi for abi in fitting if _is_of_user_mode_linux(abi))


def abi_of_image(
    image: VdsoImage, catalog: Catalog, kernel_arch: str | None = None, kernel_bits: int = 0
) -> Abi | None:
    """The likeliest of these ABIs; None when no ABI fits."""
    return next(iter(abis_of_image(image, catalog, kernel_arch, kernel_bits)), None)


def _is_of_user_mode_linux(abi: Abi) -> bool:
    return all(host.kernel == "um" for host in abi.hosts)
