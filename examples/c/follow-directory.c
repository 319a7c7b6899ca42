/*
 * Follows a directory: every change is told, also one that happens while the
 * program looks, because the stamps of the last look are compared.
 *
 *   cc follow-directory.c $(pkg-config --cflags --libs port)
 */
#include <port.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/follow-XXXXXX";

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void make(const char *name)
{
	int at = open(directory, O_RDONLY | O_DIRECTORY);
	int fd = openat(at, name, O_CREAT | O_WRONLY, 0600);
	if (fd < 0)
		fail(name);
	close(fd);
	close(at);
}

static int entries(void)
{
	DIR *stream = opendir(directory);
	int count = 0;
	if (stream == NULL)
		fail("opendir");
	while (readdir(stream) != NULL)
		count++;
	closedir(stream);
	return count - 2; /* . and .. */
}

/* Looks, then associates with the stamps from before the look. */
static int look(int port, file_obj_t *file)
{
	struct stat seen;
	int count;
	if (stat(directory, &seen) != 0)
		fail("stat");
	count = entries();
	file->fo_name = directory;
	file->fo_mtime = seen.st_mtim;
	if (port_associate(port, PORT_SOURCE_FILE, (uintptr_t)file, FILE_MODIFIED, NULL) != 0)
		fail("port_associate");
	return count;
}

int main(void)
{
	static const char *const names[] = { "one", "two", "three" };
	int port = port_create(), i;
	port_event_t event;
	file_obj_t file = { .fo_name = NULL };

	if (port < 0 || mkdtemp(directory) == NULL)
		fail("mkdtemp");
	printf("%d entries\n", look(port, &file));
	for (i = 0; i < 3; i++) {
		make(names[i]);
		if (port_get(port, &event, NULL) != 0)
			fail("port_get");
		if (event.portev_events & FILE_MODIFIED)
			printf("%d entries\n", look(port, &file));
	}
	for (i = 0; i < 3; i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), "%s/%s", directory, names[i]);
		if (unlink(name) != 0)
			fail("unlink");
	}
	if (rmdir(directory) != 0)
		fail("rmdir");
	do { /* first what the unlinks were, then the end */
		if (port_get(port, &event, NULL) != 0)
			fail("port_get");
		if ((event.portev_events & FILE_EXCEPTION) == 0 &&
		    port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&file, FILE_MODIFIED, NULL) != 0)
			break; /* gone already */
	} while ((event.portev_events & FILE_EXCEPTION) == 0);
	puts("gone");
	return close(port);
}

/*
 * Prints:
 * 0 entries
 * 1 entries
 * 2 entries
 * 3 entries
 * gone
 */
