/* 2.3 port_dissociate. FD only. */
#include "harness.h"

#include <sched.h>

static int fd_associate(int port, int fd, void *user)
{
	return port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd, POLLIN, user);
}

static int fd_dissociate(int port, uintptr_t fd)
{
	return port_dissociate(port, PORT_SOURCE_FD, fd);
}

CASE("2.3.1 2.12", "errors_before_any_descriptor_was_associated")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	FAILS(fd_dissociate(port, UINTPTR_MAX), EBADFD);
	FAILS(fd_dissociate(port, (uintptr_t)INT_MAX + 1), EBADFD);
	/* the source is unused: that is said before the descriptor is looked at */
	FAILS(fd_dissociate(port, (uintptr_t)closed_fd()), ENOENT);
	FAILS(fd_dissociate(port, (uintptr_t)fd[0]), ENOENT);
}

CASE("2.3.1 2.12", "errors_once_the_source_is_in_use")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	OK(fd_associate(port, fd[0], NULL));
	FAILS(fd_dissociate(port, UINTPTR_MAX), EBADFD);
	FAILS(fd_dissociate(port, (uintptr_t)INT_MAX + 1), EBADFD);
	FAILS(fd_dissociate(port, (uintptr_t)closed_fd()), EBADFD);
	FAILS(fd_dissociate(port, (uintptr_t)fd[1]), ENOENT);
	OK(fd_dissociate(port, (uintptr_t)fd[0]));
	/* "in use" means ever, not now */
	FAILS(fd_dissociate(port, (uintptr_t)closed_fd()), EBADFD);
	FAILS(fd_dissociate(port, (uintptr_t)fd[0]), ENOENT);
}

CASE("2.3.1 2.2.1 2.3.3", "a_refused_association_is_no_use_of_the_source")
{
	int port = new_port();
	file_obj_t object;
	FAILS(fd_associate(port, closed_fd(), NULL), EBADFD);
	FAILS(fd_dissociate(port, (uintptr_t)closed_fd()), ENOENT);
	memset(&object, 0, sizeof(object));
	object.fo_name = (char *)"/nonexistent";
	FAILS(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&object, FILE_ATTRIB, NULL), ENOENT);
	FAILS(port_dissociate(port, PORT_SOURCE_FILE, (uintptr_t)&object), EINVAL);
}

CASE("2.3.1", "in_use_is_a_matter_of_the_port")
{
	int used = new_port(), unused = new_port(), fd[2];
	new_pipe(fd);
	OK(fd_associate(used, fd[0], NULL));
	FAILS(fd_dissociate(used, (uintptr_t)closed_fd()), EBADFD);
	FAILS(fd_dissociate(unused, (uintptr_t)closed_fd()), ENOENT);
}

CASE("2.3.2 12.3", "an_armed_association_ends")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	OK(fd_associate(port, fd[0], NULL));
	SLOTS(port, 1);
	OK(fd_dissociate(port, (uintptr_t)fd[0]));
	SLOTS(port, 0);
	write_byte(fd[1]);
	EMPTY(port);
	FAILS(fd_dissociate(port, (uintptr_t)fd[0]), ENOENT);
}

CASE("2.3.2 2.3.5 12.3", "a_queued_event_goes_with_its_association")
{
	int port = new_port(), fd[2];
	port_event_t list[4];
	new_pipe(fd);
	write_byte(fd[1]);
	OK(port_send(port, 1, NULL));
	OK(fd_associate(port, fd[0], NULL));
	OK(port_send(port, 2, NULL));
	EQ(queued(port), 3);
	SLOTS(port, 3);
	OK(fd_dissociate(port, (uintptr_t)fd[0]));
	EQ(queued(port), 2);
	SLOTS(port, 2);
	EQ(take_all(port, list, 4), 2);
	EVENT(&list[0], PORT_SOURCE_USER, 0, 1, NULL);
	EVENT(&list[1], PORT_SOURCE_USER, 0, 2, NULL);
	EMPTY(port);
}

CASE("2.3.2 12.3 13.8", "after_retrieval_it_is_enoent_yet_the_slot_is_freed")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	write_byte(fd[1]);
	OK(fd_associate(port, fd[0], NULL));
	(void)take(port);
	SLOTS(port, 1);
	FAILS(fd_dissociate(port, (uintptr_t)fd[0]), ENOENT);
	SLOTS(port, 0);
	EMPTY(port);
}

CASE("2.3.5 3.8", "dissociate_and_associate_again_starts_afresh")
{
	int port = new_port(), fd[2], i;
	port_event_t pe;
	new_pipe(fd);
	for (i = 0; i < 100; i++) {
		OK(fd_associate(port, fd[0], USER(1)));
		OK(fd_dissociate(port, (uintptr_t)fd[0]));
	}
	write_byte(fd[1]);
	EMPTY(port);
	OK(fd_associate(port, fd[0], USER(2)));
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(2));
	EMPTY(port);
}

CASE("2.3.2 4.16", "always_ready_descriptors_dissociate_alike")
{
	int port = new_port(), file = new_file();
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)file, 0, NULL));
	OK(fd_dissociate(port, (uintptr_t)file)); /* armed, for it never fires */
	OK(fd_associate(port, file, NULL));
	OK(fd_dissociate(port, (uintptr_t)file)); /* queued */
	EMPTY(port);
	OK(fd_associate(port, file, NULL));
	(void)take(port);
	FAILS(fd_dissociate(port, (uintptr_t)file), ENOENT); /* collected */
	SLOTS(port, 0);
}

/* A byte may arrive in the middle: after a return of 0 there is no event, and
 * after ENOENT it was retrieved by the other thread. */
struct race {
	int port;
	int fd;
	int retrieved;
	int stop;
};

static void *retrieve_loop(void *arg)
{
	struct race *race = arg;
	port_event_t pe;
	while (!__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE)) {
		OK(port_get(race->port, &pe, NULL));
		if (pe.portev_source == PORT_SOURCE_FD)
			__atomic_add_fetch(&race->retrieved, 1, __ATOMIC_ACQ_REL);
	}
	return NULL;
}

CASE("2.3.2 2.3.5 3.14", "dissociate_and_retrieval_agree_who_had_the_event")
{
	struct race race = { 0 };
	pthread_t thread;
	int fd[2], i, gone = 0;
	race.port = new_port();
	new_pipe(fd);
	EQ(pthread_create(&thread, NULL, retrieve_loop, &race), 0);
	for (i = 0; i < 5000; i++) {
		int result;
		OK(fd_associate(race.port, fd[0], NULL));
		write_byte(fd[1]);
		if (i % 3 == 0)
			(void)sched_yield();
		result = fd_dissociate(race.port, (uintptr_t)fd[0]);
		if (result != 0) {
			EQ(errno, ENOENT);
			gone++;
		}
		read_byte(fd[0]);
	}
	__atomic_store_n(&race.stop, 1, __ATOMIC_RELEASE);
	OK(port_send(race.port, 1, NULL));
	EQ(pthread_join(thread, NULL), 0);
	EQ(race.retrieved, gone);
}
