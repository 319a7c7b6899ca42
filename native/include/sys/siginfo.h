/*
 * sys/siginfo.h - where illumos declares struct sigevent and SIGEV_PORT; its
 * <siginfo.h> and <signal.h> include it, and programs do.
 */
#ifndef EVENT_PORTS_SYS_SIGINFO_H
#define EVENT_PORTS_SYS_SIGINFO_H

#include <signal.h>
#include <sys/port.h>

#endif /* EVENT_PORTS_SYS_SIGINFO_H */
