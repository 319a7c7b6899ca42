/*
 * What illumos does by mistake and a program may have come to notice: the strict profile does
 * it too, the default profile does not. quirks.tsv has a row for every such clause; cases that
 * one of these takes a line of are where their subject is.
 */
#include "harness.h"

#include <sys/wait.h>

/* A directory with one file; gone after the case. */
static char directory[] = "/tmp/conformance-quirk-XXXXXX";
static int here;

static char *name(const char *leaf)
{
	static char names[4][64];
	static int next;
	char *made = names[next++ % 4];
	(void)snprintf(made, sizeof(names[0]), "%s/%s", directory, leaf);
	return made;
}

static void create(const char *leaf)
{
	int fd = openat(here, leaf, O_CREAT | O_WRONLY | O_TRUNC, 0644);
	TRUE(fd >= 0);
	EQ(write(fd, "hello", 5), 5);
	OK(close(fd));
}

static void enter(void)
{
	TRUE(mkdtemp(directory) != NULL);
	here = open(directory, O_RDONLY);
	TRUE(here >= 0);
	create("f");
}

static void leave(void)
{
	static const char *const leaves[] = { "f", "g", "h" };
	size_t i;
	for (i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		(void)unlinkat(here, leaves[i], 0);
	(void)unlinkat(here, "d", AT_REMOVEDIR);
	OK(close(here));
	OK(rmdir(directory));
}

static int watch(int port, file_obj_t *object, const char *leaf, int events)
{
	object->fo_name = *leaf == 0 ? directory : name(leaf);
	return port_associate(port, PORT_SOURCE_FILE, (uintptr_t)object, events, NULL);
}

static void expect(int port, file_obj_t *object, int events)
{
	port_event_t pe = take(port);
	EVENT(&pe, PORT_SOURCE_FILE, object, events, NULL);
}

/* Queued at once, and for this process only. */
static file_obj_t own;

static void queue_own_event(int port)
{
	own.fo_mtime.tv_sec = 1;
	OK(watch(port, &own, "f", FILE_MODIFIED));
}

/* Runs what a child sees of the port; it has assertions of its own. */
static void in_child(void (*look)(int port, int strict), int port, int strict)
{
	int status;
	pid_t child = fork();
	TRUE(child >= 0);
	if (child == 0) {
		look(port, strict);
		_exit(0);
	}
	EQ(waitpid(child, &status, 0), child);
	EQ(status, 0);
}

static void times_out_over_others_events(int port, int strict)
{
	port_event_t list[2];
	unsigned int n = 1;
	list[0].portev_source = 99;
	FAILS(port_getn(port, list, 2, &n, MS(1)), ETIME);
	EQ(n, strict ? 1 : 0);
	EQ(list[0].portev_source, 99);
	n = 2; /* of which one is not there: no pass was made */
	FAILS(port_getn(port, list, 2, &n, MS(1)), ETIME);
	EQ(n, 0);
	n = 1;
	OK(port_getn(port, list, 2, &n, NOWAIT));
	EQ(n, 0);
}

CASE("2.5.12", "etime_over_events_of_others")
{
	enter();
	IN_EACH_PROFILE(strict)
	{
		int port = new_port();
		queue_own_event(port);
		in_child(times_out_over_others_events, port, strict);
		expect(port, &own, FILE_MODIFIED);
	}
	leave();
}

static void takes_fewer_than_wanted(int port, int strict)
{
	port_event_t list[4];
	unsigned int n = 2;
	if (strict)
		OK(port_getn(port, list, 4, &n, NULL));
	else
		FAILS(port_getn(port, list, 4, &n, MS(1)), ETIME);
	EQ(n, 1);
	EVENT(&list[0], PORT_SOURCE_USER, 0, 7, USER(7));
}

CASE("2.5.13", "events_of_others_count_towards_nget")
{
	enter();
	IN_EACH_PROFILE(strict)
	{
		int port = new_port();
		queue_own_event(port);
		send_range(port, 7, 7);
		in_child(takes_fewer_than_wanted, port, strict);
		expect(port, &own, FILE_MODIFIED);
	}
	leave();
}

static void waits_for_two(int port, int strict)
{
	port_event_t list[4];
	unsigned int n = 2;
	OK(port_getn(port, list, 4, &n, NULL));
	EQ(n, strict ? 1 : 2);
	EVENT(&list[0], PORT_SOURCE_USER, 0, 7, USER(7));
}

/* Whatever comes last: the child's own, or what it may not have. */
CASE("2.5.13 3.10", "a_waiter_is_woken_by_events_of_others")
{
	enter();
	IN_EACH_PROFILE(strict)
	{
		int own_first;
		for (own_first = 0; own_first <= 1; own_first++) {
			int port = new_port(), status;
			pid_t child = fork();
			TRUE(child >= 0);
			if (child == 0) {
				waits_for_two(port, strict);
				_exit(0);
			}
			await_waiters(port, 1);
			if (own_first)
				queue_own_event(port);
			send_range(port, 7, 7);
			if (!own_first)
				queue_own_event(port);
			if (!strict)
				send_range(port, 8, 8);
			EQ(waitpid(child, &status, 0), child);
			EQ(status, 0);
			expect(port, &own, FILE_MODIFIED);
			EMPTY(port);
		}
	}
	leave();
}

CASE("3.9", "bits_of_dropped_events_come_with_the_next_one")
{
	enter();
	IN_EACH_PROFILE(strict)
	{
		int port = new_port();
		file_obj_t object = { .fo_name = NULL };
		OK(watch(port, &object, "f", FILE_MODIFIED));
		create("f");
		EQ(queued(port), 1);
		OK(watch(port, &object, "f", FILE_ATTRIB)); /* drops it */
		OK(watch(port, &object, "f", FILE_ATTRIB)); /* and changes nothing more */
		EMPTY(port);
		OK(fchmodat(here, "f", 0600, 0));
		expect(port, &object, FILE_ATTRIB | (strict ? FILE_MODIFIED : 0));
		OK(watch(port, &object, "f", FILE_ATTRIB)); /* that was told */
		OK(fchmodat(here, "f", 0644, 0));
		expect(port, &object, FILE_ATTRIB);
		/* Of stamps too; an exception comes alone, another file has no past. */
		object.fo_mtime.tv_sec = 1;
		OK(watch(port, &object, "f", FILE_MODIFIED));
		object.fo_mtime.tv_sec = 0;
		OK(watch(port, &object, "f", FILE_ATTRIB));
		OK(renameat(here, "f", here, "g"));
		expect(port, &object, FILE_RENAME_FROM);
		create("f");
		OK(watch(port, &object, "f", FILE_MODIFIED));
		create("f");
		EQ(queued(port), 1);
		OK(watch(port, &object, "g", FILE_ATTRIB));
		OK(fchmodat(here, "g", 0600, 0));
		expect(port, &object, FILE_ATTRIB);
	}
	leave();
}

/* Made as f, armed again as g, which is the same file in the same directory. */
CASE("5.1.7 5.4.4 5.4.5", "which_name_of_a_file_counts_after_another_was_given")
{
	enter();
	IN_EACH_PROFILE(strict)
	{
		int port = new_port(), i;
		for (i = 0; i < 2; i++) {
			const char *gone = i == 0 ? "f" : "g";
			int counts = strict ? i == 0 : i == 1;
			file_obj_t object = { .fo_name = NULL };
			create("f");
			OK(linkat(here, "f", here, "g", 0));
			OK(watch(port, &object, "f", FILE_ATTRIB));
			OK(watch(port, &object, "g", FILE_ATTRIB));
			OK(watch(port, &object, "g", FILE_ATTRIB));
			OK(unlinkat(here, gone, 0));
			expect(port, &object, counts ? FILE_DELETE : FILE_ATTRIB);
			EMPTY(port);
			(void)unlinkat(here, i == 0 ? "g" : "f", 0);
		}
	}
	leave();
}

CASE("5.3.7 13.13", "truncation_to_zero_is_told_alone")
{
	const int all = FILE_MODIFIED | FILE_ATTRIB | FILE_TRUNC;
	enter();
	IN_EACH_PROFILE(strict)
	{
		int port = new_port();
		file_obj_t object = { .fo_name = NULL };
		create("f");
		OK(watch(port, &object, "f", all));
		OK(truncate(name("f"), 2));
		expect(port, &object, all);
		OK(watch(port, &object, "f", all));
		OK(truncate(name("f"), 0));
		expect(port, &object, strict ? FILE_TRUNC : all);
		create("f");
		OK(watch(port, &object, "f", FILE_MODIFIED | FILE_ATTRIB));
		OK(truncate(name("f"), 0));
		expect(port, &object, FILE_MODIFIED | FILE_ATTRIB);
	}
	leave();
}

CASE("5.3.9 13.13", "a_file_made_in_a_directory_truncates_it")
{
	const int all = FILE_MODIFIED | FILE_ATTRIB | FILE_TRUNC;
	enter();
	IN_EACH_PROFILE(strict)
	{
		int port = new_port();
		file_obj_t object = { .fo_name = NULL };
		OK(watch(port, &object, "", all));
		create("h");
		expect(port, &object, strict ? all : FILE_MODIFIED | FILE_ATTRIB);
		OK(watch(port, &object, "", FILE_TRUNC));
		OK(linkat(here, "h", here, "g", 0));
		OK(mkdirat(here, "d", 0755));
		EMPTY(port);
		OK(unlinkat(here, "h", 0));
		create("h");
		if (strict)
			expect(port, &object, FILE_TRUNC);
		EMPTY(port);
		OK(unlinkat(here, "h", 0));
		OK(unlinkat(here, "g", 0));
		OK(unlinkat(here, "d", AT_REMOVEDIR));
	}
	leave();
}
