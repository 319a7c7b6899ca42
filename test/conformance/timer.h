/*
 * timer.h - timers for the cases. Expirations are made by absolute times in
 * the past wherever a count matters, so that no case depends on being on time.
 */
#ifndef CONFORMANCE_TIMER_H
#define CONFORMANCE_TIMER_H

#include "harness.h"

#define SECONDS(n) { (n), 0 }
#define TIMES(value, interval) (&(struct itimerspec){ interval, value })
#define OFF TIMES(SECONDS(0), SECONDS(0))
/* Far enough not to expire while a case runs. */
#define LATER TIMES(SECONDS(3600), SECONDS(0))

/* What timer_create takes; the notification lives as long as the case. */
struct sigevent to_port(port_notify_t *notify, int port, void *user);
timer_t new_timer(int port, void *user);
timer_t new_timer_on(clockid_t clock, int port, void *user);
/* Has it expire `count` times, by as many settings; the next time is in half an hour. */
void arm_expired(timer_t timer, int count);
/* Arms it once for a time that has passed. */
void arm_past(timer_t timer);
void await_queued(int port, int count);

#endif /* CONFORMANCE_TIMER_H */
