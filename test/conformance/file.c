/*
 * Section 5 as C sees it: arguments, identity, slots, waiters, processes. What each
 * operation on a file raises is in ../files.
 */
#include "harness.h"

#if defined(__linux__)
#include <sys/resource.h>
#endif
#include <sys/wait.h>

/* A file in a directory of its own; gone after the case. */
static char path[PATH_MAX];

static void remove_file(void)
{
	char *slash = strrchr(path, '/');
	if (slash == NULL)
		return;
	(void)unlink(path);
	*slash = 0;
	(void)rmdir(path);
}

#define FILE_CASE(clauses, name)                                              \
	static void CONF_JOIN(body_, __LINE__)(void);                         \
	CASE(clauses, name)                                                   \
	{                                                                     \
		CONF_JOIN(body_, __LINE__)();                                 \
		remove_file();                                                \
	}                                                                     \
	static void CONF_JOIN(body_, __LINE__)(void)

static const char *new_name(void)
{
	int fd;
	(void)strcpy(path, "/tmp/conformance-file-XXXXXX");
	TRUE(mkdtemp(path) != NULL);
	(void)strcat(path, "/f");
	fd = open(path, O_CREAT | O_WRONLY, 0644);
	TRUE(fd >= 0);
	EQ(write(fd, "hello", 5), 5);
	OK(close(fd));
	return path;
}

static void append_to(char (*names)[PATH_MAX], int count)
{
	for (; count > 0; count--, names++) {
		int fd = open(*names, O_WRONLY | O_APPEND);
		EQ(write(fd, "x", 1), 1);
		OK(close(fd));
	}
}

static void append(void)
{
	append_to(&path, 1);
}

static int watch(int port, file_obj_t *object, int events, void *user)
{
	object->fo_name = path;
	return port_associate(port, PORT_SOURCE_FILE, (uintptr_t)object, events, user);
}

static void file_event(int port, file_obj_t *object, int events, void *user)
{
	port_event_t pe = take(port);
	EVENT(&pe, PORT_SOURCE_FILE, object, events, user);
	EQ(pe.portev_pad, 0);
}

FILE_CASE("2.2.2 14.6.10", "file_arguments_are_tested_in_order")
{
	int port = new_port();
	file_obj_t object = { .fo_name = NULL };
	FAILS(port_associate(port, PORT_SOURCE_FILE, 0, FILE_DELETE, NULL), EINVAL);
	FAILS(port_associate(port, PORT_SOURCE_FILE, 0, FILE_EXCEPTION, NULL), EINVAL);
	FAILS(port_associate(port, PORT_SOURCE_FILE, 0, 0x8, NULL), EINVAL);
	FAILS(port_associate(port, PORT_SOURCE_FILE, 0, FILE_MODIFIED, NULL), EFAULT);
	FAILS(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&object, FILE_MODIFIED, NULL), EFAULT);
	object.fo_name = (char *)"";
	FAILS(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&object, FILE_MODIFIED, NULL), ENOENT);
	FAILS(port_dissociate(port, PORT_SOURCE_FILE, (uintptr_t)&object), EINVAL);
	SLOTS(port, 0);
}

FILE_CASE("2.10.1 5.1.8", "a_port_whose_file_event_was_told_is_not_readable")
{
	int port = new_port(), round;
	(void)new_name();
	for (round = 0; round < 10; round++) {
		file_obj_t object = { .fo_name = NULL };
		struct waiter w;
		OK(watch(port, &object, FILE_MODIFIED, NULL));
		waiter_start(&w, port, 1, NULL, 1);
		append();
		waiter_join(&w);
		OK(w.result);
		EQ(poll_now(port, POLLIN), 0);
		EQ(queued(port), 0);
		EQ(poll_now(port, POLLIN), 0);
	}
}

/* The file goes on changing, and its directory: nobody asks about either any more. */
FILE_CASE("2.10.1 5.1.8", "changes_after_the_event_was_told_leave_the_port_unreadable")
{
	struct timespec now = { 0, 0 }, brief = { 0, 1000000 };
	port_event_t list[2];
	int port = new_port(), of_directory, way;
	(void)new_name();
	for (of_directory = 0; of_directory < 2; of_directory++)
		for (way = 0; way < 4; way++) {
			file_obj_t object = { .fo_name = NULL };
			char directory[PATH_MAX], other[PATH_MAX + 2];
			unsigned int n = way == 2 ? 0 : 1;
			(void)strcpy(directory, path);
			*strrchr(directory, '/') = 0;
			(void)sprintf(other, "%s/g", directory);
			object.fo_name = of_directory ? directory : path;
			OK(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&object, FILE_MODIFIED, NULL));
			append();
			OK(close(open(other, O_CREAT | O_WRONLY, 0644)));
			(void)take(port);
			append();
			OK(unlink(other));
			if (way == 0)
				(void)port_get(port, list, &now); /* 0 in the strict profile (2.4.3) */
			else if (way == 2)
				OK(port_getn(port, list, 0, &n, &now));
			else if (way == 1)
				OK(port_getn(port, list, 2, &n, &now));
			else
				FAILS(port_getn(port, list, 2, &n, &brief), ETIME);
			EQ(n, way == 0);
			append();
			OK(close(open(other, O_CREAT | O_WRONLY, 0644)));
			EQ(poll_now(port, POLLIN), 0);
			OK(unlink(other));
			EQ(poll_now(port, POLLIN), 0);
		}
}

FILE_CASE("2.3.3 13.14", "file_dissociate_before_and_after_the_first_use")
{
	int port = new_port(), other = new_port();
	file_obj_t object = { .fo_name = NULL };
	(void)new_name();
	FAILS(port_dissociate(port, PORT_SOURCE_FILE, 0), EINVAL);
	FAILS(port_dissociate(port, PORT_SOURCE_FILE, (uintptr_t)&object), EINVAL);
	OK(watch(port, &object, FILE_MODIFIED, NULL));
	FAILS(port_dissociate(other, PORT_SOURCE_FILE, (uintptr_t)&object), EINVAL);
	FAILS(port_dissociate(port, PORT_SOURCE_FILE, 0), ENOENT);
	OK(port_dissociate(port, PORT_SOURCE_FILE, (uintptr_t)&object));
	FAILS(port_dissociate(port, PORT_SOURCE_FILE, (uintptr_t)&object), ENOENT);
}

/* EAGAIN; strict: 0, and nothing is watched all the same. */
FILE_CASE("2.2.4 13.9 12.4", "file_at_the_slot_limit_changes_nothing")
{
	(void)new_name();
	IN_EACH_PROFILE(strict)
	{
		int port = new_port_limit(2);
		file_obj_t object[3] = { { .fo_name = NULL } };
		OK(watch(port, &object[0], FILE_MODIFIED, USER(1)));
		OK(port_send(port, 1, NULL));
		if (strict)
			OK(watch(port, &object[1], FILE_MODIFIED, USER(2)));
		else
			FAILS(watch(port, &object[1], FILE_MODIFIED, USER(2)), EAGAIN);
		FAILS(port_dissociate(port, PORT_SOURCE_FILE, (uintptr_t)&object[1]), ENOENT);
		/* Known already: takes no slot (2.2.5). */
		OK(watch(port, &object[0], FILE_MODIFIED, USER(3)));
		SLOTS(port, 2);
		(void)take(port);
		OK(watch(port, &object[1], FILE_MODIFIED, USER(4)));
		append();
		file_event(port, &object[0], FILE_MODIFIED, USER(3));
		file_event(port, &object[1], FILE_MODIFIED, USER(4));
	}
}

/* The source is registered before the slot is taken (2.2.2). */
FILE_CASE("2.3.3 2.2.2", "a_file_refused_for_want_of_a_slot_has_used_the_source")
{
	(void)new_name();
	IN_EACH_PROFILE(strict)
	{
		int port = new_port_limit(1);
		file_obj_t object = { .fo_name = NULL };
		OK(port_send(port, 1, NULL));
		if (strict)
			OK(watch(port, &object, FILE_MODIFIED, NULL));
		else
			FAILS(watch(port, &object, FILE_MODIFIED, NULL), EAGAIN);
		FAILS(port_dissociate(port, PORT_SOURCE_FILE, (uintptr_t)&object), ENOENT);
	}
}

FILE_CASE("5.4.9 5.1.8 12.2 12.3", "an_exception_at_the_limit_is_not_lost")
{
	int port = new_port_limit(1);
	file_obj_t object = { .fo_name = NULL };
	(void)new_name();
	OK(watch(port, &object, FILE_MODIFIED, USER(1)));
	FAILS(port_send(port, 1, NULL), EAGAIN);
	OK(unlink(path));
	EQ(queued(port), 1);
	FAILS(port_send(port, 1, NULL), EAGAIN);
	FAILS(port_dissociate(port, PORT_SOURCE_FILE, (uintptr_t)&object), ENOENT);
	file_event(port, &object, FILE_DELETE, USER(1));
	SLOTS(port, 0);
	OK(port_send(port, 1, NULL));
}

FILE_CASE("5.1.8 12.2 5.3.11", "a_collected_event_keeps_the_slot")
{
	int port = new_port_limit(1);
	file_obj_t object = { .fo_name = NULL };
	(void)new_name();
	OK(watch(port, &object, FILE_MODIFIED, NULL));
	append();
	file_event(port, &object, FILE_MODIFIED, NULL);
	SLOTS(port, 1);
	FAILS(port_send(port, 1, NULL), EAGAIN);
	FAILS(port_dissociate(port, PORT_SOURCE_FILE, (uintptr_t)&object), ENOENT);
	SLOTS(port, 0);
}

/* As many that not each is asked about (FineFileClock). */
FILE_CASE("5.1.8 5.1.6", "many_that_changed_at_once_tell_what_follows_their_association_alone")
{
	enum { FILES = 40 };
	char names[FILES][PATH_MAX];
	file_obj_t objects[FILES];
	port_event_t list[FILES + 1];
	struct timespec now = { 0, 0 };
	int port = new_port(), round, i;
	(void)new_name();
	for (i = 0; i < FILES; i++) {
		(void)strcpy(names[i], path);
		(void)sprintf(strrchr(names[i], '/'), "/%d", i);
		OK(close(open(names[i], O_CREAT | O_WRONLY, 0644)));
		objects[i] = (file_obj_t){ .fo_name = names[i] };
		OK(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&objects[i], FILE_MODIFIED, USER(i)));
	}
	for (round = 0; round < 20; round++) {
		unsigned int n = FILES;
		append_to(names, FILES);
		OK(port_getn(port, list, FILES + 1, &n, &now));
		EQ(n, FILES);
		for (i = 0; i < FILES; i++) {
			if (round % 2 == 0)
				append_to(&names[i], 1);
			else if (i == 0 || i == FILES / 2) /* the rest once more */
				append_to(&names[i], FILES - i);
			OK(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&objects[i], FILE_MODIFIED, USER(i)));
		}
		EMPTY(port);
	}
	for (i = 0; i < FILES; i++)
		OK(unlink(names[i]));
}

FILE_CASE("5.1.1 5.1.2 5.5.1", "the_address_is_the_identity_and_nothing_else_is_kept")
{
	int port = new_port();
	char name[PATH_MAX];
	file_obj_t object[2] = { { .fo_name = name }, { .fo_name = name } };
	(void)strcpy(name, new_name());
	OK(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&object[0], FILE_MODIFIED, USER(1)));
	OK(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&object[1], FILE_ATTRIB, USER(2)));
	(void)memset(name, 0, sizeof(name));
	(void)memset(object, 0xff, sizeof(object));
	append();
	file_event(port, &object[0], FILE_MODIFIED, USER(1));
	file_event(port, &object[1], FILE_ATTRIB, USER(2));
	EMPTY(port);
}

FILE_CASE("5.1.6 3.8 3.9 3.5", "re_association_replaces_all_and_drops_the_queued_event")
{
	(void)new_name();
	IN_EACH_PROFILE(strict)
	{
		int port = new_port();
		file_obj_t object = { .fo_name = NULL };
		OK(watch(port, &object, FILE_MODIFIED | FILE_ATTRIB, USER(1)));
		append();
		EQ(queued(port), 1);
		OK(watch(port, &object, FILE_ATTRIB, USER(2)));
		EQ(queued(port), 0);
		OK(chmod(path, 0600));
		append();
		/* strict: with the bits of the dropped one */
		file_event(port, &object, FILE_ATTRIB | (strict ? FILE_MODIFIED : 0), USER(2));
		EMPTY(port);
		SLOTS(port, 1);
	}
}

FILE_CASE("5.2.2 5.2.4 3.7", "other_stamps_queue_an_event_before_the_return")
{
	int port = new_port();
	file_obj_t object = { .fo_mtime = { 1, 1 }, .fo_name = NULL };
	(void)new_name();
	OK(watch(port, &object, FILE_MODIFIED | FILE_ATTRIB | FILE_ACCESS, USER(7)));
	OK(port_send(port, 1, NULL));
	file_event(port, &object, FILE_MODIFIED, USER(7));
	EQ(take(port).portev_source, PORT_SOURCE_USER);
}

/* Also where nanoseconds since 1970 are more than 64 bits hold: some file systems keep such times. */
FILE_CASE("5.2.2", "stamps_of_any_century_are_compared")
{
	static const time_t years[] = { -100000000000, -9223372037, -1, 9223372037, 15032385535, 100000000000 };
	int port = new_port();
	file_obj_t object = { .fo_name = NULL };
	unsigned int i;
	(void)new_name();
	for (i = 0; i < sizeof(years) / sizeof(*years); i++) {
		struct timespec times[2] = { { years[i], 5 }, { years[i], 999999999 } };
		struct stat now;
		OK(utimensat(AT_FDCWD, path, times, 0));
		OK(stat(path, &now));
		object.fo_atime = now.st_atim;
		object.fo_mtime = now.st_mtim;
		object.fo_ctime = now.st_ctim;
		OK(watch(port, &object, FILE_ACCESS | FILE_MODIFIED | FILE_ATTRIB, USER(i)));
		EQ(queued(port), 0);
		object.fo_mtime.tv_sec--;
		OK(watch(port, &object, FILE_MODIFIED, USER(i)));
		file_event(port, &object, FILE_MODIFIED, USER(i));
		object.fo_mtime.tv_nsec += 1000000000;
		OK(watch(port, &object, FILE_MODIFIED, USER(i)));
		file_event(port, &object, FILE_MODIFIED, USER(i));
	}
}

FILE_CASE("15.1 2.5.8", "file_assoc_pattern")
{
	int port = new_port();
	unsigned int n = 1;
	port_event_t list[2];
	file_obj_t object = { .fo_name = NULL };
	(void)new_name();
	OK(watch(port, &object, FILE_MODIFIED, USER(1)));
	OK(port_getn(port, list, 2, &n, NOWAIT));
	EQ(n, 0);
	OK(watch(port, &object, FILE_MODIFIED, USER(2)));
	append();
	n = 1;
	OK(port_getn(port, list, 2, &n, NOWAIT));
	EQ(n, 1);
	EVENT(&list[0], PORT_SOURCE_FILE, &object, FILE_MODIFIED, USER(2));
}

FILE_CASE("15.3 2.3.4", "delete_while_the_event_is_queued_then_dissociate")
{
	int port = new_port();
	file_obj_t object = { .fo_name = NULL };
	(void)new_name();
	OK(watch(port, &object, FILE_MODIFIED, USER(1)));
	OK(unlink(path));
	EQ(queued(port), 1);
	FAILS(port_dissociate(port, PORT_SOURCE_FILE, (uintptr_t)&object), ENOENT);
	file_event(port, &object, FILE_DELETE, USER(1));
	EMPTY(port);
}

FILE_CASE("5.1.1 14.2.17", "many_ports_watch_one_file_independently")
{
	int port[4], i;
	file_obj_t object = { .fo_name = NULL };
	(void)new_name();
	for (i = 0; i < 4; i++) {
		port[i] = new_port();
		OK(watch(port[i], &object, FILE_MODIFIED, USER(i)));
	}
	OK(port_dissociate(port[1], PORT_SOURCE_FILE, (uintptr_t)&object));
	append();
	file_event(port[3], &object, FILE_MODIFIED, USER(3)); /* reads for all */
	file_event(port[0], &object, FILE_MODIFIED, USER(0));
	EMPTY(port[1]);
	close_port(port[0]);
	OK(watch(port[3], &object, 0, USER(4)));
	OK(unlink(path));
	file_event(port[3], &object, FILE_DELETE, USER(4));
	file_event(port[2], &object, FILE_MODIFIED, USER(2));
}

FILE_CASE("5.5.1 3.10", "a_change_wakes_a_waiter")
{
	int port = new_port();
	struct waiter w;
	file_obj_t object = { .fo_name = NULL };
	(void)new_name();
	OK(watch(port, &object, FILE_MODIFIED, USER(5)));
	waiter_start(&w, port, 1, TS(-1, 0), 1);
	append();
	waiter_join(&w);
	EQ(w.nget, 1);
	EVENT(&w.list[0], PORT_SOURCE_FILE, &object, FILE_MODIFIED, USER(5));
}

FILE_CASE("5.5.1 2.0.4", "a_watch_made_under_a_waiter_wakes_it")
{
	int port = new_port();
	struct waiter w;
	file_obj_t object = { .fo_name = NULL };
	(void)new_name();
	waiter_start(&w, port, 1, TS(-1, 0), 1);
	OK(watch(port, &object, FILE_MODIFIED, USER(6)));
	append();
	waiter_join(&w);
	EVENT(&w.list[0], PORT_SOURCE_FILE, &object, FILE_MODIFIED, USER(6));
}

FILE_CASE("5.5.1 14.2.17", "who_reads_for_one_port_wakes_the_waiters_of_another")
{
	int port[2] = { new_port(), new_port() }, i;
	struct waiter w[2];
	file_obj_t object = { .fo_name = NULL };
	(void)new_name();
	for (i = 0; i < 2; i++) {
		OK(watch(port[i], &object, FILE_MODIFIED, USER(i)));
		waiter_start(&w[i], port[i], 1, TS(-1, 0), 1);
	}
	append();
	for (i = 0; i < 2; i++) {
		waiter_join(&w[i]);
		EVENT(&w[i].list[0], PORT_SOURCE_FILE, &object, FILE_MODIFIED, USER(i));
	}
}

FILE_CASE("2.10.1 2.10.3", "a_change_makes_the_port_readable")
{
	int port = new_port(), outer = new_port();
	port_event_t pe;
	file_obj_t object = { .fo_name = NULL };
	(void)new_name();
	OK(watch(port, &object, FILE_MODIFIED, NULL));
	OK(port_associate(outer, PORT_SOURCE_FD, (uintptr_t)port, POLLIN, NULL));
	EQ(poll_now(port, POLLIN), 0);
	EMPTY(outer);
	append();
	EQ(poll_now(port, POLLIN), POLLIN);
	pe = take_wait(outer);
	EVENT(&pe, PORT_SOURCE_FD, port, POLLIN, NULL);
	file_event(port, &object, FILE_MODIFIED, NULL);
	EQ(poll_now(port, POLLIN), 0);
}

FILE_CASE("2.11.1 2.11.3", "closing_the_port_ends_its_watches")
{
	int port = new_port(), other = new_port();
	file_obj_t object = { .fo_name = NULL };
	(void)new_name();
	OK(watch(port, &object, FILE_MODIFIED, USER(1)));
	OK(watch(other, &object, FILE_MODIFIED, USER(2)));
	append();
	close_port(port);
	file_event(other, &object, FILE_MODIFIED, USER(2));
	close_port(other);
	port = new_port();
	FAILS(port_dissociate(port, PORT_SOURCE_FILE, (uintptr_t)&object), EINVAL);
	OK(watch(port, &object, FILE_MODIFIED, USER(3)));
	append();
	file_event(port, &object, FILE_MODIFIED, USER(3));
}

static void join_child(pid_t child)
{
	int status;
	EQ(waitpid(child, &status, 0), child);
	TRUE(WIFEXITED(status));
	EQ(WEXITSTATUS(status), 0);
}

FILE_CASE("11.1 11.2 11.3 11.4 11.5 5.5.1", "a_child_has_watches_of_its_own_only")
{
	int port = new_port();
	file_obj_t object = { .fo_name = NULL };
	pid_t child;
	(void)new_name();
	OK(watch(port, &object, FILE_MODIFIED, USER(1)));
	child = fork();
	if (child == 0) {
		port_event_t pe;
		int bad = 0;
		append();
		/* The parent's watch: not ours to end, nor to be told of. */
		bad |= port_dissociate(port, PORT_SOURCE_FILE, (uintptr_t)&object) != -1 || errno != ENOENT;
		bad |= (port_get(port, &pe, MS(1)) != -1 || errno != ETIME) << 1;
		bad |= (watch(port, &object, FILE_ATTRIB, USER(2)) != 0) << 2;
		bad |= (chmod(path, 0600) != 0) << 3;
		bad |= (port_get(port, &pe, NULL) != 0 || pe.portev_events != FILE_ATTRIB ||
		    pe.portev_user != USER(2)) << 4;
		_exit(bad);
	}
	join_child(child);
	file_event(port, &object, FILE_MODIFIED, USER(1));
	EMPTY(port);
	OK(watch(port, &object, FILE_MODIFIED, USER(3)));
	append();
	file_event(port, &object, FILE_MODIFIED, USER(3));
}

#if defined(__linux__)
/* A directory takes two descriptors more, and there is one. */
CASE_COLD("14.2.17", "a_directory_refused_for_want_of_descriptors_keeps_none")
{
	file_obj_t file = { .fo_name = "/bin/sh" }, directory = { .fo_name = "/" };
	int port = new_port(), fd, last;
	struct rlimit limit;
	rlim_t before;
	OK(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&file, FILE_MODIFIED, NULL));
	last = closed_fd();
	OK(getrlimit(RLIMIT_NOFILE, &limit));
	before = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)last + 1;
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	FAILS(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&directory, FILE_ATTRIB, NULL), EMFILE);
	limit.rlim_cur = before;
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	OK(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&directory, FILE_ATTRIB, NULL));
	fd = dup(STDERR_FILENO);
	EQ(fd, last);
	OK(close(fd));
}
#endif
