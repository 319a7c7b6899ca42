#include "timer.h"

struct sigevent to_port(port_notify_t *notify, int port, void *user)
{
	struct sigevent event;
	notify->portnfy_port = port;
	notify->portnfy_user = user;
	(void)memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_PORT;
	event.sigev_value.sival_ptr = notify;
	return event;
}

timer_t new_timer_on(clockid_t clock, int port, void *user)
{
	port_notify_t notify;
	struct sigevent event = to_port(&notify, port, user);
	timer_t timer;
	OK(timer_create(clock, &event, &timer));
	return timer;
}

timer_t new_timer(int port, void *user)
{
	return new_timer_on(CLOCK_REALTIME, port, user);
}

void arm_expired(timer_t timer, int count)
{
	struct timespec now;
	while (count-- > 1)
		arm_past(timer);
	OK(clock_gettime(CLOCK_REALTIME, &now));
	/* every hour, the last time half an hour ago */
	OK(timer_settime(timer, TIMER_ABSTIME,
	    TIMES(SECONDS(now.tv_sec - 1800), SECONDS(3600)), NULL));
}

void arm_past(timer_t timer)
{
	OK(timer_settime(timer, TIMER_ABSTIME, TIMES(SECONDS(1), SECONDS(0)), NULL));
}

void await_queued(int port, int count)
{
	while (queued(port) < count)
		tick();
	EQ(queued(port), count);
}
