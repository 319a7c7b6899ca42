/*
 * stress.c - many files changed by another process while the readers are stopped now
 * and then: after quiet, the last state of every file was reported.
 *
 *	stress [FILES [CHANGES [THREADS]]]
 *
 * A reader stats the file of an event and associates it again with those stamps. Prints
 * one line of JSON; fails if any file is not as it was last reported.
 */
#define _GNU_SOURCE 1
#include <port.h>
#include <port_linux.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BATCH = 64, FOLDER = 100, WATCHDOG = 300, NAME = 64, DONE = 1 };

struct file {
	file_obj_t object;
	struct stat seen; /* as last reported */
	char name[NAME];
};

static struct file *files;
static int count = 10000, changes = 100000, threads = 1;
static int port;
static unsigned long events;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void die(const char *what)
{
	(void)fprintf(stderr, "stress: %s: %s\n", what, strerror(errno));
	_exit(2);
}

static void watch(struct file *f)
{
	if (stat(f->name, &f->seen) != 0)
		die(f->name);
	f->object.fo_name = f->name;
	f->object.fo_atime = f->seen.st_atim;
	f->object.fo_mtime = f->seen.st_mtim;
	f->object.fo_ctime = f->seen.st_ctim;
	if (port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&f->object, FILE_MODIFIED | FILE_ATTRIB, f) != 0)
		die("port_associate");
}

static void change(int i)
{
	int fd = open(files[i].name, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) != 0)
		die("change");
}

/* Returns 1 when the writer's last word came, 0 when nothing came at all. */
static int serve(const struct timespec *wait)
{
	port_event_t list[BATCH];
	unsigned int n = 1, i;
	int done = 0;
	if (port_getn(port, list, BATCH, &n, wait) != 0 && errno != ETIME) {
		if (errno == EINTR) /* stopped and continued: n is as it was */
			return -1;
		die("port_getn");
	}
	if (n == 0)
		return -1;
	for (i = 0; i < n; i++) {
		if (list[i].portev_source == PORT_SOURCE_USER) {
			done = 1;
			continue;
		}
		if (list[i].portev_events & FILE_EXCEPTION)
			die("an exception");
		watch(list[i].portev_user);
	}
	(void)pthread_mutex_lock(&lock);
	events += n;
	(void)pthread_mutex_unlock(&lock);
	return done;
}

static void *reader(void *unused)
{
	while (serve(NULL) != 1)
		;
	if (port_send(port, DONE, NULL) != 0) /* for the next one */
		die("port_send");
	return unused;
}

/* Writes, and stops its parent's whole process for some milliseconds every so often. */
static void writer(void)
{
	unsigned int seed = 1;
	int i;
	for (i = 0; i < changes; i++) {
		if (i % 5000 == 2500)
			(void)kill(getppid(), SIGSTOP);
		else if (i % 5000 == 0)
			(void)kill(getppid(), SIGCONT);
		change((int)(rand_r(&seed) % (unsigned)count));
	}
	(void)kill(getppid(), SIGCONT);
	if (port_send(port, DONE, NULL) != 0)
		die("port_send");
	_exit(0);
}

static int unreported(void)
{
	int i, missed = 0;
	for (i = 0; i < count; i++) {
		struct stat now;
		if (stat(files[i].name, &now) != 0)
			die("stat");
		missed += now.st_size != files[i].seen.st_size ||
		    memcmp(&now.st_mtim, &files[i].seen.st_mtim, sizeof(now.st_mtim)) != 0;
		(void)unlink(files[i].name);
	}
	return missed;
}

int main(int argc, char **argv)
{
	char root[] = "/tmp/event-ports-stress-XXXXXX", folder[NAME];
	pthread_t thread[16];
	int i, status, missed;
	if (argc > 1)
		count = atoi(argv[1]);
	if (argc > 2)
		changes = atoi(argv[2]);
	if (argc > 3)
		threads = atoi(argv[3]);
	if (count < 1 || threads < 1 || threads > 16 || mkdtemp(root) == NULL || chdir(root) != 0)
		return 2;
	(void)alarm(WATCHDOG);
	files = calloc((size_t)count, sizeof(*files));
	port = port_create_limit((unsigned)count + 64, 1);
	if (files == NULL || port < 0)
		die("port_create");
	for (i = 0; i < count; i++) {
		int fd;
		(void)snprintf(folder, sizeof(folder), "%s/%d", root, i / FOLDER);
		if (i % FOLDER == 0 && mkdir(folder, 0755) != 0)
			die(folder);
		(void)snprintf(files[i].name, NAME, "%s/%d/%d", root, i / FOLDER, i);
		if ((fd = open(files[i].name, O_WRONLY | O_CREAT, 0644)) < 0 || close(fd) != 0)
			die(files[i].name);
		watch(&files[i]);
	}
	pid_t child = fork();
	if (child == 0)
		writer();
	for (i = 0; i < threads; i++)
		(void)pthread_create(&thread[i], NULL, reader, NULL);
	for (i = 0; i < threads; i++)
		(void)pthread_join(thread[i], NULL);
	(void)waitpid(child, &status, 0);
	while (serve(&(struct timespec){ 0, 0 }) >= 0)
		;
	missed = unreported();
	for (i = 0; i < count; i += FOLDER) {
		(void)snprintf(folder, sizeof(folder), "%s/%d", root, i / FOLDER);
		(void)rmdir(folder);
	}
	(void)rmdir(root);
	(void)printf("{\"who\":\"port\",\"files\":%d,\"changes\":%d,\"threads\":%d,\"events\":%lu,\"unreported\":%d}\n",
	    count, changes, threads, events, missed);
	return missed != 0 || status != 0;
}
