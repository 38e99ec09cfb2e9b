"""Everything that happens around a guest: machines, initramfs, console protocol, boot, probes run as programs."""
