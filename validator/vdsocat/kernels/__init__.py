"""Where kernels come from: Debian's archive, builds, files of any usual form."""
