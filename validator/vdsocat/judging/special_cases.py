"""Rules about what few ABIs have: random numbers, kuser helpers, hardware probing, caches, enclaves, futexes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vdsocat.capture import Case
from vdsocat.judging.agreement import Outcome, case_finding, compare
from vdsocat.judging.finding import Finding, Verdict


def judge_random(case: Case) -> Finding:
    """CALL-RANDOM: getrandom tells what memory its state needs, and gives as many bytes as the system call, no more.

    The query with a length of ~0 gives the size of a state, and protection and flags that mmap(2) takes; odd lengths
    and 0 are given in full; a state of another size, or flags that the system call refuses, are left to it.
    Why: glibc maps states for all threads as it is told, and keys are made of what comes back; a byte too many is
    written over what lies behind the buffer.
    Source: __cvdso_getrandom_data() in lib/vdso/getrandom.c (v7.3).
    Reproduce: tools/testing/selftests/vDSO/vdso_test_getrandom.c of the kernel
    """
    texts = {
        "random-parameters": ("it tells the size of a state", "it tells no size of a state that a page holds"),
        "random-memory": ("mmap takes what it asks for", "mmap does not take what it asks for"),
    }
    return _hold("CALL-RANDOM", case, *texts.get(case.name, (None, None)))


def judge_random_stream(case: Case) -> Finding:
    """RANDOM-REPEAT: getrandom gives other bytes each time, and to a child other bytes than to its parent.

    Why: a child inherits the state of the generator; had the kernel not wiped it (MAP_DROPPABLE), both would make the
    same keys.
    Source: __cvdso_getrandom_data() in lib/vdso/getrandom.c and VM_WIPEONFORK of MAP_DROPPABLE in mm/mmap.c (v7.3).
    Reproduce: tools/testing/selftests/vDSO/vdso_test_getrandom.c of the kernel
    """
    return _hold("RANDOM-REPEAT", case, "the bytes differ", "the same 32 bytes were given twice")


def judge_kuser_helper(case: Case) -> Finding:
    """KUSER-HELPER: each helper that the page's version promises does at its address what it is for.

    Why: programs for ARMv5 and older have no other atomic operation; the addresses are fixed for ever, and a helper
    that moved by a word is jumped into at the wrong place.
    Source: Documentation/arch/arm/kernel_user_helpers.rst, arch/arm/kernel/entry-armv.S and
    arch/arm64/kernel/kuser32.S (v7.3).
    Reproduce: `((int (*)(int, int, volatile int *))0xffff0fc0)(old, new, &value)` in a 32-bit program
    """
    return _hold("KUSER-HELPER", case, "it does what it is for", "it does not do what it is for")


def judge_hwprobe(case: Case) -> Finding:
    """CALL-HWPROBE: riscv_hwprobe tells for each set of CPUs and each flag what its system call tells.

    A key that is unknown becomes -1 with the value 0; a set without a CPU, a size without a set, and unknown flags are
    refused.
    Why: libraries choose vector code by it, and a kernel that later knows better must be able to say so.
    Source: Documentation/arch/riscv/hwprobe.rst, arch/riscv/kernel/vdso/hwprobe.c beside
    arch/riscv/kernel/sys_hwprobe.c (v7.3).
    Reproduce: tools/testing/selftests/riscv/hwprobe of the kernel, with the function of the vDSO
    """
    return case_finding("CALL-HWPROBE", case, compare(case))


def judge_written_code(case: Case) -> Finding:
    """CALL-CODE: code that was just written runs as written, once the function has been called for its range.

    It is written twice at one place, so an instruction cache that was not told shows.
    Why: compilers at run time call it after every function they make; stale code is a crash that nobody can repeat.
    Source: arch/riscv/kernel/vdso/flush_icache.S, arch/powerpc/kernel/vdso/cacheflush.S (v7.3).
    Reproduce: write a function that returns a number, call it, write another one in its place, call it again
    """
    return _hold("CALL-CODE", case, "what was written last runs", "it does not do what was written last")


def judge_timebase(case: Case) -> Finding:
    """CALL-TIMEBASE: get_tbfreq tells the frequency of the time base, as /proc/cpuinfo does.

    Why: programs that read the time base register themselves turn ticks into seconds with it.
    Source: arch/powerpc/kernel/vdso/datapage.S; show_cpuinfo() in arch/powerpc/kernel/setup-common.c (v7.3).
    Reproduce: `grep timebase /proc/cpuinfo`
    """
    return _hold("CALL-TIMEBASE", case, "it is the frequency in /proc/cpuinfo", "it is not the one in /proc/cpuinfo")


def judge_syscall_map(case: Case) -> Finding:
    """CALL-SYSCALL-MAP: the map of system calls has a bit for those that the kernel answers, and none for ENOSYS.

    Why: a program that asks the map rather than the kernel would leave out calls that are there, or take others for it.
    Source: arch/powerpc/kernel/vdso/datapage.S; vdso_setup_syscall_map() in arch/powerpc/kernel/vdso.c (v7.3).
    Reproduce: call the number that the subject names, and look at bit 0x80000000 >> (number % 32) of word number / 32
    """
    return _hold("CALL-SYSCALL-MAP", case, "the map agrees with the call", "the map does not agree with the call")


def judge_entry(case: Case) -> Finding:
    """CALL-ENTRY: __kernel_vsyscall makes any system call, with six arguments too, and hands its errno on.

    i386: the sixth argument is in %ebp, which the entry saves and restores on the user's stack. SuperH: the entry runs
    on into __kernel_sigreturn, so that a signal's handler goes there: the call is made, and the handler ends.
    Why: every system call of an i386 libc goes through it.
    Source: arch/x86/entry/vdso/vdso32/system_call.S, arch/sh/kernel/vsyscall/vsyscall-trapa.S (v7.3).
    Reproduce: mmap2(2) of a file at an offset, by `call *%gs:0x10`
    """
    trap = "trapa" if case.name.startswith("from-handler") else "int $0x80"
    return _hold("CALL-ENTRY", case, f"it made the call as {trap} does", f"it did not make the call as {trap} does")


def judge_enclave(case: Case) -> Finding:
    """CALL-ENCLAVE: the entry to enclaves refuses what is no entry: other leaves, and reserved words that are not 0.

    Why: past the checks comes ENCLU, which faults on a processor without enclaves.
    Source: __vdso_sgx_enter_enclave() in arch/x86/entry/vdso/vdso64/vsgx.S, with its contract in
    arch/x86/include/uapi/asm/sgx.h (v7.3).
    Reproduce: tools/testing/selftests/sgx of the kernel
    """
    return _hold("CALL-ENCLAVE", case, "refused before an enclave is entered", "it was not refused with EINVAL")


def judge_unlock(case: Case) -> Finding:
    """CALL-UNLOCK: a robust futex is released by its owner alone, and its pending operation forgotten only then.

    A lock that another thread holds, or that others wait for, is left as it is and returned.
    Why: the kernel ends the operation for a thread that dies within these few instructions; a lock that is released
    with the operation still pending is later taken from whoever holds it.
    Source: arch/x86/entry/vdso/common/vfutex.c (v7.3).
    Reproduce: call the function with a lock that holds the given thread id, another one, or FUTEX_WAITERS
    """
    return _hold("CALL-UNLOCK", case, "lock and pending operation are as they must be", "it left something else behind")


def _hold(rule: str, case: Case, right: str | None = None, wrong: str | None = None) -> Finding:
    """The finding of a comparison, told in the rule's own words where what was compared is no system call."""
    outcome = compare(case)
    told = {Verdict.PASS: right, Verdict.FAIL: wrong}.get(outcome.verdict)
    came_back = case.vdso != "hang" and not case.vdso.startswith("signal:")
    return case_finding(rule, case, Outcome(outcome.verdict, told) if told and came_back else outcome)


SPECIAL_JUDGES: Mapping[str, Callable[[Case], Finding]] = {
    "random-parameters": judge_random,
    "random-memory": judge_random,
    "random-length": judge_random,
    "random-state": judge_random,
    "random-flags": judge_random,
    "random-twice": judge_random_stream,
    "random-fork": judge_random_stream,
    "helper": judge_kuser_helper,
    "hwprobe": judge_hwprobe,
    "written-code": judge_written_code,
    "timebase": judge_timebase,
    "system-call-map": judge_syscall_map,
    "six-arguments": judge_entry,
    "no-call": judge_entry,
    "from-handler": judge_entry,
    "enclave-leaf": judge_enclave,
    "enclave-reserved": judge_enclave,
    "unlock": judge_unlock,
}
