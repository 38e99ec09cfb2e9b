/* Handlers of signals, where an ABI's header has rt_sigaction. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "types.h"

#define SIGSEGV 11

#ifdef SYS_rt_sigaction
#define SIGALRM 14

/* include/uapi/asm-generic/signal-defs.h, with the differences of ABIs in their headers */
#ifndef SA_SIGINFO
#define SA_SIGINFO 4
#endif
#ifndef SA_NODEFER
#define SA_NODEFER 0x40000000
#endif

/* 0 or -errno; NULL is the default action. On ABIs with SA_RESTORER the handler may not return. */
word handle_signals(s32 number, void (*handler)(s32 number), u32 flags);
#endif

#endif
