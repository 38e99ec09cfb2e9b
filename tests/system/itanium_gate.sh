#!/bin/sh
# Usage: itanium_gate.sh SOURCE OUT: link the gate image of Itanium out of a kernel's source, as Makefile.gate does, into a
# build tree in which nothing else is built.
#
# Debian has binutils for Itanium and no compiler. The image needs none: its code is gate.S. The numbers that asm-offsets.c
# has the compiler work out are offsets in the signal frame, a structure of 64-bit words and 16-byte registers that
# another little-endian compiler with 64-bit longs lays out alike.
set -e
source=$1 out=$2 arch=$1/arch/ia64
headers=$out/include/generated
mkdir -p "$headers/asm" "$headers/uapi/asm" "$out/include/config" "$out/arch/ia64/kernel"

make -s -C "$source" kernelversion > "$out/include/config/kernel.release"
cat > "$out/.config" <<END
#
# Automatically generated file; DO NOT EDIT.
# Linux/ia64 $(cat "$out/include/config/kernel.release") Kernel Configuration
#
CONFIG_64BIT=y
CONFIG_IA64=y
CONFIG_MCKINLEY=y
CONFIG_IA64_PAGE_SIZE_16KB=y
CONFIG_PGTABLE_3=y
CONFIG_IA64_L1_CACHE_SHIFT=7
CONFIG_MMU=y
END
sed -n 's/^\(CONFIG_.*\)=y/#define \1 1/p; s/^\(CONFIG_.*\)=\([0-9]*\)$/#define \1 \2/p' "$out/.config" > "$headers/autoconf.h"
sh "$arch/kernel/syscalls/syscallhdr.sh" "$arch/kernel/syscalls/syscall.tbl" "$headers/uapi/asm/unistd_64.h" "" "" __NR_Linux
for header in $(cd "$source/include/asm-generic" && ls ./*.h) $(cd "$source/include/uapi/asm-generic" && ls ./*.h); do
    [ -e "$arch/include/asm/$header" ] || [ -e "$arch/include/uapi/asm/$header" ] ||
        echo "#include <asm-generic/$header>" > "$headers/asm/$header"
done
flags="-nostdinc -D__KERNEL__ -D__linux__ -U__x86_64__ -D__ia64__ -I$headers -I$headers/uapi -I$arch/include
    -I$arch/include/uapi -I$source/include -I$source/include/uapi -include $headers/autoconf.h"

{
    echo '#define __user'
    echo '#include <uapi/linux/types.h>'
    echo '#include <uapi/asm/ptrace.h>'
    echo '#include <asm/signal.h>'
    echo '#include <uapi/asm/sigcontext.h>'
    echo '#include <uapi/asm/siginfo.h>'
    echo "#include \"$arch/kernel/sigframe.h\""
    echo '#define DEFINE(name, value) asm volatile("-> " #name " %c0" : : "i" (value))'
    echo 'void offsets(void) {'
    grep -E 'DEFINE\(IA64_SIG(CONTEXT|FRAME)_[A-Z0-9_]*OFFSET' "$arch/kernel/asm-offsets.c"
    echo '}'
} > "$out/offsets.c"
gcc -std=gnu89 $flags -S -o "$out/offsets.s" "$out/offsets.c"
sed -n 's/.*-> \([A-Z0-9_]*\) \([0-9]*\)$/#define \1 \2/p' "$out/offsets.s" > "$headers/asm/asm-offsets.h"

gate=$out/arch/ia64/kernel/gate
cpp $flags -D__ASSEMBLY__ -P "$arch/kernel/gate.S" > "$gate.s"
ia64-linux-gnu-as -o "$gate.o" "$gate.s" 2> "$gate.warnings"
cpp $flags -D__ASSEMBLY__ -P -C -Uia64 "$arch/kernel/gate.lds.S" > "$gate.lds"
ia64-linux-gnu-ld -shared -s -soname=linux-gate.so.1 --hash-style=sysv -T "$gate.lds" -o "$gate.so" "$gate.o"
