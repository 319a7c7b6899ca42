/*
 * siginfo.h - where illumos declares struct sigevent and SIGEV_PORT.
 */
#ifndef EVENT_PORTS_SIGINFO_H
#define EVENT_PORTS_SIGINFO_H

#include <signal.h>
#include <sys/port.h>

#endif /* EVENT_PORTS_SIGINFO_H */
