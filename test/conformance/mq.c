/* Section 8: message queues; and port_dispatch, which their events come by. */
#include "harness.h"

#include <mqueue.h>
#include <sys/wait.h>

/* With a second descriptor of it, if that is wanted. */
static mqd_t new_queue_twice(mqd_t *other)
{
	struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = 16 };
	char name[64];
	mqd_t queue;
	(void)snprintf(name, sizeof(name), "/conformance.%ld", (long)getpid());
	queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attr);
	TRUE(queue != (mqd_t)-1);
	if (other != NULL)
		TRUE((*other = mq_open(name, O_RDWR | O_NONBLOCK)) != (mqd_t)-1);
	OK(mq_unlink(name));
	return queue;
}

static mqd_t new_queue(void)
{
	return new_queue_twice(NULL);
}

static struct sigevent to_queue_port(port_notify_t *notify, int port, void *user)
{
	struct sigevent event;
	memset(&event, 0, sizeof(event));
	notify->portnfy_port = port;
	notify->portnfy_user = user;
	event.sigev_notify = SIGEV_PORT;
	event.sigev_value.sival_ptr = notify;
	return event;
}

CASE_COLD("8.3 8.4 3.6 14.5.1", "a_message_to_an_empty_queue_is_one_event")
{
	int port = new_port();
	mqd_t queue = new_queue();
	port_notify_t notify;
	struct sigevent event = to_queue_port(&notify, port, USER(7));
	char message[16];
	port_event_t pe;
	OK(mq_notify(queue, &event));
	notify.portnfy_user = USER(8); /* it was copied */
	OK(mq_send(queue, "a", 1, 0));
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_MQ, queue, 0, USER(7));
	OK(mq_send(queue, "b", 1, 0));
	EMPTY(port); /* registered once, told once */
	EQ(mq_receive(queue, message, sizeof(message), NULL), 1);
	OK(mq_notify(queue, &event));
	OK(mq_send(queue, "c", 1, 0)); /* it was not empty */
	EQ(queued(port), 0);
	while (mq_receive(queue, message, sizeof(message), NULL) >= 0)
		;
	OK(mq_send(queue, "d", 1, 0));
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_MQ, queue, 0, USER(8));
	OK(mq_close(queue));
	SLOTS(port, 0);
}

CASE_COLD("8.1 13.19", "mq_notify_tests_queue_and_port")
{
	int port = new_port();
	mqd_t queue = new_queue();
	port_notify_t notify;
	struct sigevent event = to_queue_port(&notify, port, NULL);
	FAILS(mq_notify((mqd_t)closed_fd(), &event), EBADF);
	notify.portnfy_port = closed_fd();
	FAILS(mq_notify(queue, &event), EBADF);
	notify.portnfy_port = new_file();
	FAILS(mq_notify(queue, &event), EBADF);
	notify.portnfy_port = port;
	OK(mq_notify(queue, &event));
	FAILS(mq_notify(queue, &event), EBUSY);
	OK(mq_close(queue));
}

CASE_COLD("8.1", "an_unknown_kind_of_notification_is_refused_after_the_queue")
{
	int port = new_port(), status;
	mqd_t other, queue = new_queue_twice(&other);
	port_notify_t notify;
	struct sigevent event = to_queue_port(&notify, port, NULL), unknown = event;
	pid_t child;
	unknown.sigev_notify = 12345;
	FAILS(mq_notify((mqd_t)closed_fd(), &unknown), EBADF);
	FAILS(mq_notify((mqd_t)port, &unknown), EBADF);
	FAILS(mq_notify(queue, &unknown), EINVAL);
	OK(mq_notify(queue, &event));
	FAILS(mq_notify(queue, &unknown), EBUSY);
	FAILS(mq_notify(other, &unknown), EBUSY);
	child = fork();
	TRUE(child >= 0);
	if (child == 0)
		_exit(mq_notify(queue, &unknown) == -1 && errno == EBUSY ? 0 : 1);
	EQ(waitpid(child, &status, 0), child);
	EQ(status, 0);
	OK(mq_send(queue, "a", 1, 0));
	FAILS(mq_notify(queue, &unknown), EINVAL);
	EQ(take_wait(port).portev_source, PORT_SOURCE_MQ);
	OK(mq_close(queue));
	OK(mq_close(other));
}

CASE_COLD("8.2", "a_registration_is_removed_by_its_owner_only")
{
	int port = new_port(), status;
	mqd_t queue = new_queue();
	port_notify_t notify;
	struct sigevent event = to_queue_port(&notify, port, NULL);
	pid_t child;
	FAILS(mq_notify(queue, NULL), EBUSY);
	OK(mq_notify(queue, &event));
	child = fork();
	TRUE(child >= 0);
	if (child == 0)
		_exit(mq_notify(queue, NULL) == -1 && errno == EBUSY ? 0 : 1);
	EQ(waitpid(child, &status, 0), child);
	EQ(status, 0);
	OK(mq_notify(queue, NULL));
	FAILS(mq_notify(queue, NULL), EBUSY);
	OK(mq_send(queue, "a", 1, 0));
	EMPTY(port);
	OK(mq_close(queue));
}

/* The kernel would have it ended by any descriptor of the process. */
CASE_COLD("8.2 8.1", "a_registration_is_removed_by_its_descriptor_only")
{
	int port = new_port(), another = new_port();
	mqd_t other, queue = new_queue_twice(&other), third = new_queue();
	port_notify_t notify;
	struct sigevent event = to_queue_port(&notify, port, USER(1));
	char message[16];
	port_event_t pe;
	OK(mq_notify(queue, &event));
	FAILS(mq_notify(other, NULL), EBUSY);
	FAILS(mq_notify(third, NULL), EBUSY); /* of another queue */
	FAILS(mq_notify(queue, &event), EBUSY);
	SLOTS(port, 1);
	OK(mq_send(other, "a", 1, 0));
	FAILS(mq_notify(other, NULL), EBUSY);
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_MQ, queue, 0, USER(1));
	EQ(mq_receive(queue, message, sizeof(message), NULL), 1);
	OK(mq_notify(other, &event));
	FAILS(mq_notify(queue, NULL), EBUSY);
	OK(mq_notify(other, NULL));
	OK(mq_notify(queue, &event));
	close_port(port);
	FAILS(mq_notify(other, NULL), EBUSY);
	notify.portnfy_port = another;
	FAILS(mq_notify(queue, &event), EBUSY); /* it outlives its port */
	OK(mq_notify(queue, NULL));
	OK(mq_notify(other, &event));
	OK(mq_notify(other, NULL));
	OK(mq_close(queue));
	OK(mq_close(other));
	OK(mq_close(third));
	SLOTS(another, 0);
}

CASE_COLD("8.5", "closing_the_queue_drops_the_registration_and_no_event")
{
	int port = new_port();
	mqd_t queue = new_queue(), again;
	port_notify_t notify;
	struct sigevent event = to_queue_port(&notify, port, USER(1));
	OK(mq_notify(queue, &event));
	OK(mq_send(queue, "a", 1, 0));
	while (queued(port) == 0)
		tick();
	OK(mq_close(queue));
	EQ(take(port).portev_user, USER(1));
	again = new_queue();
	OK(mq_notify(again, &event));
	OK(mq_close(again));
	again = new_queue();
	FAILS(mq_notify(again, NULL), EBUSY);
	OK(mq_close(again));
}

CASE_COLD("8.5 8.3", "what_came_before_the_close_of_the_queue_is_an_event")
{
	int port = new_port();
	mqd_t queue = new_queue();
	port_notify_t notify;
	struct sigevent event = to_queue_port(&notify, port, USER(1));
	port_event_t pe;
	OK(mq_notify(queue, &event));
	OK(mq_send(queue, "a", 1, 0));
	OK(mq_close(queue));
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_MQ, queue, 0, USER(1));
	SLOTS(port, 0);
}

/* The C library's own thread in a child could read what was the parent's. */
#if defined(__linux__)
/* A queue is a descriptor here, and mq_close a close of it. */
CASE_COLD("4.13 8.5", "closing_a_queue_ends_its_association_as_a_descriptor")
{
	int port = new_port();
	mqd_t other, queue = new_queue_twice(&other);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)queue, POLLIN, USER(1)));
	OK(mq_send(other, "a", 1, 0));
	EQ(queued(port), 1);
	OK(mq_close(queue));
	SLOTS(port, 0);
	EQ(queued(port), 0);
	EMPTY(port);
	OK(mq_close(other));
}
#endif

CASE_COLD("8.3 8.4 11.1", "a_child_takes_nothing_of_its_parents_registration")
{
	int port = new_port(), status, round;
	mqd_t queue = new_queue();
	port_notify_t notify;
	struct sigevent event = to_queue_port(&notify, port, USER(3));
	for (round = 0; round < 200; round++) {
		char message[16];
		port_event_t pe;
		pid_t child;
		OK(mq_notify(queue, &event));
		child = fork();
		TRUE(child >= 0);
		if (child == 0) {
			if (mq_notify(queue, &event) != -1 || errno != EBUSY)
				_exit(1);
			if (mq_notify(queue, NULL) != -1 || errno != EBUSY)
				_exit(2);
			if (mq_send(queue, "k", 1, 0) != 0)
				_exit(3);
			if (port_get(port, &pe, MS(1)) != -1 || errno != ETIME)
				_exit(4);
			_exit(0);
		}
		EQ(waitpid(child, &status, 0), child);
		EQ(status, 0);
		pe = take_wait(port);
		EVENT(&pe, PORT_SOURCE_MQ, queue, 0, USER(3));
		EQ(mq_receive(queue, message, sizeof(message), NULL), 1);
	}
	OK(mq_close(queue));
	SLOTS(port, 0);
}

CASE_COLD("8.3 8.4 11.8", "a_child_that_waits_leaves_the_event_to_its_parent")
{
	int port = new_port(), status;
	mqd_t queue = new_queue();
	port_notify_t notify;
	struct sigevent event = to_queue_port(&notify, port, USER(3));
	port_event_t pe;
	pid_t child;
	OK(mq_notify(queue, &event));
	child = fork();
	TRUE(child >= 0);
	if (child == 0) {
		if (port_get(port, &pe, NULL) != 0)
			_exit(1);
		_exit(pe.portev_source == PORT_SOURCE_USER ? 0 : 2);
	}
	await_waiters(port, 1);
	OK(mq_send(queue, "a", 1, 0));
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_MQ, queue, 0, USER(3));
	OK(port_send(port, 1, NULL));
	EQ(waitpid(child, &status, 0), child);
	EQ(status, 0);
	OK(mq_close(queue));
}

CASE_COLD("8.5 8.1", "exit_ends_a_registration")
{
	int port = new_port(), status;
	mqd_t queue = new_queue();
	port_notify_t notify;
	struct sigevent event = to_queue_port(&notify, port, USER(4));
	pid_t child = fork();
	TRUE(child >= 0);
	if (child == 0)
		_exit(mq_notify(queue, &event) == 0 ? 0 : 1);
	EQ(waitpid(child, &status, 0), child);
	EQ(status, 0);
	OK(mq_notify(queue, &event));
	OK(mq_send(queue, "a", 1, 0));
	EQ(take_wait(port).portev_user, USER(4));
	OK(mq_close(queue));
	SLOTS(port, 0);
}

CASE_COLD("8.1 8.2 2.11.3", "a_registration_outlives_its_port")
{
	int port = new_port(), again = new_port();
	mqd_t queue = new_queue();
	port_notify_t notify;
	struct sigevent event = to_queue_port(&notify, port, USER(5));
	char message[16];
	OK(mq_notify(queue, &event));
	close_port(port);
	notify.portnfy_port = again;
	FAILS(mq_notify(queue, &event), EBUSY);
	OK(mq_notify(queue, NULL));
	FAILS(mq_notify(queue, NULL), EBUSY);
	notify.portnfy_port = port = new_port();
	OK(mq_notify(queue, &event));
	close_port(port);
	OK(mq_send(queue, "a", 1, 0)); /* to nobody */
	EQ(mq_receive(queue, message, sizeof(message), NULL), 1);
	notify.portnfy_port = again;
	OK(mq_notify(queue, &event));
	OK(mq_send(queue, "b", 1, 0));
	EQ(take_wait(again).portev_user, USER(5));
	OK(mq_close(queue));
}

CASE_COLD("8.2 8.3", "a_registration_that_has_fired_is_none")
{
	int port = new_port();
	mqd_t queue = new_queue();
	port_notify_t notify;
	struct sigevent event = to_queue_port(&notify, port, USER(6));
	OK(mq_notify(queue, &event));
	OK(mq_send(queue, "a", 1, 0));
	FAILS(mq_notify(queue, NULL), EBUSY);
	EQ(take(port).portev_user, USER(6));
	OK(mq_close(queue));
}

#if defined(__linux__)
CASE("2.9.1 12.4", "dispatch_takes_two_sources_and_shares_if_told_to")
{
	int port = new_port(), status;
	port_event_t pe;
	pid_t child;
	FAILS(port_dispatch(closed_fd(), 0, PORT_SOURCE_MQ, 1, 2, NULL), EBADF);
	FAILS(port_dispatch(new_file(), 0, PORT_SOURCE_MQ, 1, 2, NULL), EBADFD);
	FAILS(port_dispatch(port, 0, PORT_SOURCE_USER, 1, 2, NULL), EINVAL);
	FAILS(port_dispatch(port, 0, PORT_SOURCE_FILE, 1, 2, NULL), EINVAL);
	OK(port_dispatch(port, 0, PORT_SOURCE_AIO, 1, 2, USER(3)));
	OK(port_dispatch(port, PORT_SHARE_EVENT, PORT_SOURCE_MQ, 4, 5, USER(6)));
	child = fork();
	TRUE(child >= 0);
	if (child == 0) {
		if (port_get(port, &pe, NULL) != 0 || pe.portev_user != USER(6))
			_exit(1);
		_exit(port_get(port, &pe, MS(1)) == -1 && errno == ETIME ? 0 : 2);
	}
	EQ(waitpid(child, &status, 0), child);
	EQ(status, 0);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_AIO, 2, 1, USER(3));
	EMPTY(port);
}

/* An event that can't be delivered is refused early: its slot is taken with the registration. */
CASE_COLD("8.4 12.3", "a_registration_holds_the_slot_of_its_event")
{
	int port = new_port_limit(2);
	mqd_t queue = new_queue(), other = new_queue();
	port_notify_t notify;
	struct sigevent event = to_queue_port(&notify, port, USER(7));
	OK(mq_notify(queue, &event));
	EQ(slots(port), 1);
	OK(port_send(port, 1, USER(1)));
	FAILS(mq_notify(other, &event), EAGAIN);
	FAILS(port_send(port, 2, USER(2)), EAGAIN);
	OK(mq_send(queue, "a", 1, 0));
	EQ(take(port).portev_user, USER(1));
	EQ(take_wait(port).portev_user, USER(7));
	OK(mq_notify(other, &event));
	OK(mq_notify(other, NULL));
	EQ(slots(port), 0);
	OK(mq_notify(other, &event));
	OK(mq_close(other));
	EQ(slots(port), 0);
	OK(mq_close(queue));
}

struct dispatcher {
	int port;
	int result, error;
	pthread_t thread;
};

static void *dispatch_one(void *arg)
{
	struct dispatcher *d = arg;
	d->result = port_dispatch(d->port, 0, PORT_SOURCE_MQ, 1, 2, USER(9));
	d->error = errno;
	return NULL;
}

CASE("2.9.1 12.4", "dispatch_waits_for_a_slot")
{
	int port = new_port_limit(1);
	struct dispatcher d = { .port = port };
	OK(port_send(port, 1, USER(1)));
	EQ(pthread_create(&d.thread, NULL, dispatch_one, &d), 0);
	EQ(take(port).portev_user, USER(1));
	EQ(take_wait(port).portev_user, USER(9));
	EQ(pthread_join(d.thread, NULL), 0);
	EQ(d.result, 0);
	EMPTY(port);
}

CASE("2.9.1 12.4 14.1.11", "dispatch_finds_slots_of_raw_closed_descriptors")
{
	int port = new_port_limit(2), fd[2], other[2];
	new_pipe(fd);
	new_pipe(other);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], 0, NULL));
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)other[0], 0, NULL));
	raw_close(fd[0]);
	OK(port_dispatch(port, 0, PORT_SOURCE_MQ, 1, 2, USER(9)));
	EQ(take(port).portev_user, USER(9));
}

CASE("2.9.1 12.4 11.5", "dispatch_gets_the_slots_of_one_that_died")
{
	int port = new_port_limit(1), fd[2];
	pid_t child;
	new_pipe(fd);
	child = fork();
	if (child == 0)
		_exit(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
	EQ(waitpid(child, NULL, 0), child);
	OK(port_dispatch(port, 0, PORT_SOURCE_MQ, 1, 2, USER(9)));
	EQ(take(port).portev_user, USER(9));
}

/* It mostly waits by then; if not, the order is the same, while nobody retrieves. */
CASE("2.9.1 3.1 4.5", "dispatch_that_waited_comes_after_what_was_ready_before_its_slot_was_free")
{
	int i;
	for (i = 0; i < 20; i++) {
		int port = new_port_limit(2), fd[2];
		struct dispatcher d = { .port = port };
		new_pipe(fd);
		OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(1)));
		EMPTY(port);
		OK(port_send(port, 1, USER(2)));
		EQ(pthread_create(&d.thread, NULL, dispatch_one, &d), 0);
		(void)nanosleep(MS(i % 4), NULL);
		write_byte(fd[1]);
		OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(3)));
		EQ(take(port).portev_user, USER(2));
		EQ(pthread_join(d.thread, NULL), 0);
		EQ(take(port).portev_user, USER(3));
		EQ(take(port).portev_user, USER(9));
	}
}

CASE("2.9.1 2.11.4", "dispatch_that_waits_ends_when_its_number_is_closed")
{
	int port = new_port_limit(1);
	struct dispatcher d = { .port = port };
	OK(port_send(port, 1, USER(1)));
	EQ(pthread_create(&d.thread, NULL, dispatch_one, &d), 0);
	close_port(port);
	EQ(pthread_join(d.thread, NULL), 0);
	EQ(d.result, -1);
	EQ(d.error, EBADF);
}
#endif

CASE("2.0.5", "what_ends_a_registration_leaves_errno_alone")
{
	int port = new_port();
	mqd_t queue = new_queue();
	port_notify_t notify;
	struct sigevent event = to_queue_port(&notify, port, NULL);
	QUIET(mq_notify(queue, &event));
	OK(mq_send(queue, "a", 1, 0));
	(void)take_wait(port);
	EQ(mq_receive(queue, (char[16]){ 0 }, 16, NULL), 1);
	QUIET(mq_notify(queue, &event));
	QUIET(mq_notify(queue, NULL));
	QUIET(mq_notify(queue, &event));
	QUIET(mq_close(queue));
}
