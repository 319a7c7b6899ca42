/*
 * siginfo.h - struct sigevent and SIGEV_PORT, as on illumos by <sys/siginfo.h>.
 */
#ifndef EVENT_PORTS_SIGINFO_H
#define EVENT_PORTS_SIGINFO_H

#include <sys/siginfo.h>

#endif /* EVENT_PORTS_SIGINFO_H */
