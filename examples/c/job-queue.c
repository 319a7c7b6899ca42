/*
 * A queue of jobs for forked workers: they share the port that was made before
 * the fork, each job goes to one of them. An alert sends them home.
 *
 *   cc job-queue.c $(pkg-config --cflags --libs port)
 */
#include <port.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 3, JOBS = 100, JOB = 1, GO_HOME = 2 };

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* Takes jobs until the alert; answers each with its square on another port. */
static void work(int jobs, int answers)
{
	port_event_t event;

	while (port_get(jobs, &event, NULL) == 0 && event.portev_source == PORT_SOURCE_USER) {
		uintptr_t number = (uintptr_t)event.portev_user;
		if (port_send(answers, JOB, (void *)(number * number)) != 0)
			fail("port_send");
	}
	_exit(event.portev_source == PORT_SOURCE_ALERT ? 0 : 1);
}

int main(void)
{
	int jobs = port_create(), answers = port_create(), i, status, bad = 0;
	uintptr_t sum = 0;

	if (jobs < 0 || answers < 0)
		fail("port_create");
	for (i = 0; i < WORKERS; i++) {
		pid_t child = fork();
		if (child < 0)
			fail("fork");
		if (child == 0)
			work(jobs, answers);
	}
	for (i = 1; i <= JOBS; i++)
		if (port_send(jobs, JOB, (void *)(uintptr_t)i) != 0)
			fail("port_send");
	for (i = 1; i <= JOBS; i++) {
		port_event_t event;
		if (port_get(answers, &event, NULL) != 0)
			fail("port_get");
		sum += (uintptr_t)event.portev_user;
	}
	if (port_alert(jobs, PORT_ALERT_SET, GO_HOME, NULL) != 0)
		fail("port_alert");
	for (i = 0; i < WORKERS; i++)
		bad |= wait(&status) < 0 || status != 0;
	printf("the squares up to %d: %lu\n", JOBS, (unsigned long)sum);
	return bad | close(jobs) | close(answers);
}

/*
 * Prints:
 * the squares up to 100: 338350
 */
