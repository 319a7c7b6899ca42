/*
 * run.c - runs the file scripts of this directory (README.md) through <port.h>.
 *
 * Each case in a forked child, in an empty directory of its own.
 */
#define _GNU_SOURCE 1
#include <port.h>
#include <port_linux.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS = 16, NAMES = 32, PASSED = 0, FAILED = 1, SKIPPED = 77, WATCHDOG = 60 };

struct named {
	char name[32];
	int fd;           /* of an open file */
	file_obj_t object;
	struct stat stamps;
	uintptr_t cookie;
};

static struct named files[NAMES], watches[NAMES];
static int file_count, watch_count;
static int port = -1;
static const char *script;
static int line_number;
static uintptr_t next_cookie = 1;

static void fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)fprintf(stderr, "%s:%d: ", script, line_number);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
	va_end(args);
	_exit(FAILED); /* not exit: the script's offset is shared with the runner */
}

static void skip(const char *reason)
{
	(void)printf("skip: %s\n", reason);
	(void)fflush(stdout);
	_exit(SKIPPED);
}

static struct named *find(struct named *list, int *count, const char *name)
{
	int i;
	for (i = 0; i < *count; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	if (*count == NAMES)
		fail("too many names");
	(void)snprintf(list[*count].name, sizeof(list->name), "%s", name);
	return &list[(*count)++];
}

static const struct {
	const char *name;
	int bit;
} bits[] = { { "ACCESS", FILE_ACCESS }, { "MODIFIED", FILE_MODIFIED }, { "ATTRIB", FILE_ATTRIB },
	{ "TRUNC", FILE_TRUNC }, { "NOFOLLOW", FILE_NOFOLLOW }, { "DELETE", FILE_DELETE },
	{ "RENAME_TO", FILE_RENAME_TO }, { "RENAME_FROM", FILE_RENAME_FROM },
	{ "UNMOUNTED", UNMOUNTED }, { "MOUNTEDOVER", MOUNTEDOVER } };
enum { BITS = sizeof(bits) / sizeof(bits[0]) };

static int parse_events(char *text)
{
	int events = 0, i;
	char *save, *word;
	if (strcmp(text, "0") == 0)
		return 0;
	for (word = strtok_r(text, "|", &save); word != NULL; word = strtok_r(NULL, "|", &save)) {
		for (i = 0; i < BITS && strcmp(bits[i].name, word) != 0; i++)
			;
		if (i == BITS)
			fail("no such event: %s", word);
		events |= bits[i].bit;
	}
	return events;
}

static const char *show_events(int events)
{
	static char text[2][160];
	static int turn;
	char *out = text[turn = !turn];
	int i;
	(void)strcpy(out, events == 0 ? "0" : "");
	for (i = 0; i < BITS; i++) {
		if (events & bits[i].bit) {
			if (out[0] != 0)
				(void)strcat(out, "|");
			(void)strcat(out, bits[i].name);
		}
	}
	return out;
}

static int parse_errno(const char *name)
{
	static const struct {
		const char *name;
		int value;
	} known[] = { { "EACCES", EACCES }, { "EAGAIN", EAGAIN }, { "EFAULT", EFAULT }, { "EINVAL", EINVAL },
		{ "ELOOP", ELOOP }, { "ENAMETOOLONG", ENAMETOOLONG }, { "ENOENT", ENOENT },
		{ "ENOTDIR", ENOTDIR }, { "ENOTSUP", ENOTSUP }, { "EBUSY", EBUSY } };
	size_t i;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].value;
	fail("no such errno: %s", name);
	return 0;
}

/* The call's result against "= ERRNO" behind its arguments. */
static void check(int result, int error, char **words, int from)
{
	int want = 0;
	for (; words[from] != NULL; from++)
		if (strcmp(words[from], "=") == 0 && words[from + 1] != NULL)
			want = parse_errno(words[from + 1]);
	if (want == 0 && result != 0)
		fail("%s: %s", words[0], strerror(error));
	if (want != 0 && (result == 0 || error != want))
		fail("%s: expected %s, got %s", words[0], strerror(want), result == 0 ? "success" : strerror(error));
}

static int has(char **words, const char *word)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, word) == 0)
			return 1;
	return 0;
}

static void do_associate(char **words)
{
	struct named *w = find(watches, &watch_count, words[1]);
	char path[8192];
	char *at = strchr(words[2], '@');
	if (at != NULL) {
		*at = 0;
		(void)snprintf(path, sizeof(path), "%s%d", words[2], find(files, &file_count, at + 1)->fd);
	} else if (strncmp(words[2], "long:", 5) == 0) {
		(void)memset(path, 'n', sizeof(path));
		path[atoi(words[2] + 5)] = 0;
	} else {
		(void)snprintf(path, sizeof(path), "%s", strcmp(words[2], "empty:") == 0 ? "" : words[2]);
	}
	(void)memset(&w->object, 0, sizeof(w->object));
	w->object.fo_name = path; /* copied by the call (5.1.2) */
	if (has(words, "stamped")) {
		w->object.fo_atime = w->stamps.st_atim;
		w->object.fo_mtime = w->stamps.st_mtim;
		w->object.fo_ctime = w->stamps.st_ctim;
	}
	uintptr_t cookie = next_cookie++;
	int events = parse_events(words[3]);
	int result = port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&w->object, events, (void *)cookie);
	check(result, errno, words, 4);
	if (result == 0)
		w->cookie = cookie;
	(void)memset(path, '?', sizeof(path));
	(void)memset(&w->object, 0x5a, sizeof(w->object));
}

static void do_dissociate(char **words)
{
	struct named *w = find(watches, &watch_count, words[1]);
	int rc = port_dissociate(port, PORT_SOURCE_FILE, (uintptr_t)&w->object);
	check(rc, errno, words, 2);
}

static void do_event(char **words)
{
	struct named *w = find(watches, &watch_count, words[1]);
	port_event_t pe;
	int want = parse_events(words[2]);
	(void)memset(&pe, 0, sizeof(pe));
	if (port_get(port, &pe, &(struct timespec){ 0, 0 }) != 0 || pe.portev_source == 0)
		fail("expected %s of %s, got no event", show_events(want), words[1]);
	if (pe.portev_source != PORT_SOURCE_FILE)
		fail("an event of source %d", pe.portev_source);
	if (pe.portev_object != (uintptr_t)&w->object)
		fail("expected %s of %s, got %s of another watch", show_events(want), words[1],
		    show_events(pe.portev_events));
	if (pe.portev_events != want)
		fail("expected %s, got %s", show_events(want), show_events(pe.portev_events));
	if ((uintptr_t)pe.portev_user != w->cookie)
		fail("user of another association");
}

static void do_none(void)
{
	unsigned int n = 0;
	if (port_getn(port, NULL, 0, &n, NULL) != 0)
		fail("port_getn: %s", strerror(errno));
	if (n != 0) {
		port_event_t pe;
		(void)port_get(port, &pe, NULL);
		fail("expected no event, got %s", show_events(pe.portev_events));
	}
}

/*
 * More notes than the queue of inotify holds, about entries nobody watches, of a
 * directory whose "keep" is: what follows is lost and has to be found.
 */
static file_obj_t keep;
static int flooding, noise = -1;

static void flood_start(void)
{
	flooding = 1;
	if (mkdir(".noise", 0777) != 0 || chmod(".noise", 0777) != 0 || symlink("x", ".noise/keep") != 0)
		fail("no noise: %s", strerror(errno));
	keep.fo_name = ".noise/keep";
	if (port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&keep, FILE_NOFOLLOW, NULL) != 0)
		fail("no noise: %s", strerror(errno));
	noise = open(".noise", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void flood(void)
{
	int i;
	for (i = 0; flooding && i < 40; i++)
		if (symlinkat("x", noise, i % 2 ? "a" : "b") != 0 || unlinkat(noise, i % 2 ? "a" : "b", 0) != 0)
			fail("no noise: %s", strerror(errno));
}

static void do_need(const char *what)
{
	if (strcmp(what, "root") == 0 && geteuid() != 0)
		skip("not root");
	if (strcmp(what, "notes") == 0 && flooding)
		skip("what overflow or its noise hides can't be told here");
	if (strcmp(what, "mount") == 0 &&
	    (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0))
		skip("no mounts here");
	if (strcmp(what, "user") == 0 && (geteuid() != 0 || setresuid(65534, 65534, 65534) != 0) &&
	    geteuid() == 0)
		skip("no other user here");
}

static void put(const char *path, int flags, const char *text)
{
	int fd = open(path, flags | O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) != 0)
		fail("%s: %s", path, strerror(errno));
}

static void do_touch(const char *path, const char *which)
{
	struct timespec times[2] = { { 1000000000, 1 }, { 1000000000, 2 } };
	if (strcmp(which, "access") == 0)
		times[1].tv_nsec = UTIME_OMIT;
	if (strcmp(which, "modify") == 0)
		times[0].tv_nsec = UTIME_OMIT;
	if (utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) != 0)
		fail("utimensat: %s", strerror(errno));
}

static void do_read(const char *path)
{
	char buffer[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, buffer, sizeof(buffer)) < 0 || close(fd) != 0)
		fail("read %s: %s", path, strerror(errno));
}

/* M shows what lies in LOWER, and takes changes to UPPER. */
static int overlay(const char *at, const char *lower, const char *upper, const char *work)
{
	char options[256];
	(void)snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work);
	int rc = mount("none", at, "overlay", 0, options);
	if (rc != 0 && errno == ENODEV)
		skip("no overlays here");
	return rc;
}

static int list(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, NULL);
	if (n < 0)
		return -1;
	while (n > 0)
		free(names[--n]);
	free(names);
	return 0;
}

static void do_open(const char *handle, const char *path)
{
	struct named *h = find(files, &file_count, handle);
	h->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (h->fd < 0)
		fail("open %s: %s", path, strerror(errno));
}

static void do_stat(const char *watch, const char *path)
{
	if (stat(path, &find(watches, &watch_count, watch)->stamps) != 0)
		fail("stat %s: %s", path, strerror(errno));
}

/* As poll(2) sees the port; twice, since looking may change what is there. */
static void do_readable(int want)
{
	struct pollfd item = { port, POLLIN, 0 };
	int first = poll(&item, 1, 0);
	if (first != want || poll(&item, 1, 0) < 0)
		fail("poll says %sreadable", want ? "not " : "");
}

static void do_slots(int want)
{
	port_info_t info;
	info.pi_size = sizeof(info);
	if (port_getinfo(port, &info) != 0 || (int)info.pi_slots - flooding != want)
		fail("expected %d slots, got %d", want, (int)info.pi_slots - flooding);
}

#define IS(name, count) (strcmp(verb, name) == 0 && n > (count))

/* What a script does to files. */
static void change(char **w, int n)
{
	const char *verb = w[0];
	int rc = 0;
	flood();
	if (IS("write", 2)) put(w[1], O_TRUNC, w[2]);
	else if (IS("append", 2)) put(w[1], O_APPEND, w[2]);
	else if (IS("create", 1)) put(w[1], 0, "");
	else if (IS("touch", 2)) do_touch(w[1], w[2]);
	else if (IS("read", 1)) do_read(w[1]);
	else if (IS("open", 2)) do_open(w[1], w[2]);
	else if (IS("close", 1)) rc = close(find(files, &file_count, w[1])->fd);
	else if (IS("list", 1)) rc = list(w[1]);
	else if (IS("cd", 1)) rc = chdir(w[1]);
	else if (IS("mkdir", 1)) rc = mkdir(w[1], 0755);
	else if (IS("rmdir", 1)) rc = rmdir(w[1]);
	else if (IS("truncate", 2)) rc = truncate(w[1], atol(w[2]));
	else if (IS("unlink", 1)) rc = unlink(w[1]);
	else if (IS("rename", 2)) rc = rename(w[1], w[2]);
	else if (IS("exchange", 2)) rc = renameat2(AT_FDCWD, w[1], AT_FDCWD, w[2], RENAME_EXCHANGE);
	else if (IS("link", 2)) rc = link(w[1], w[2]);
	else if (IS("symlink", 2)) rc = symlink(w[1], w[2]);
	else if (IS("fifo", 1)) rc = mkfifo(w[1], 0644);
	else if (IS("chmod", 2)) rc = chmod(w[1], (mode_t)strtoul(w[2], NULL, 8));
	else if (IS("mount", 1)) rc = mount("none", w[1], "tmpfs", 0, NULL);
	else if (IS("overlay", 4)) rc = overlay(w[1], w[2], w[3], w[4]);
	else if (IS("umount", 1)) rc = umount(w[1]);
	else fail("no such verb, or too few words: %s", verb);
	if (rc != 0)
		fail("%s: %s", verb, strerror(errno));
}

static void run_line(char **w, int n)
{
	const char *verb = w[0];
	if (IS("associate", 3)) do_associate(w);
	else if (IS("event", 2)) do_event(w);
	else if (IS("none", 0)) do_none();
	else if (IS("slots", 1)) do_slots(atoi(w[1]));
	else if (IS("readable", 1)) do_readable(atoi(w[1]));
	else if (IS("need", 1)) do_need(w[1]);
	else if (IS("stat", 2)) do_stat(w[1], w[2]);
	else if (IS("dissociate", 1)) do_dissociate(w);
	else change(w, n);
}
static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* The lines of one case, in a child. */
static int run_case(char **lines, const int *numbers, int count)
{
	char directory[] = "/tmp/event-ports-files-XXXXXX";
	int status;
	if (mkdtemp(directory) == NULL || chmod(directory, 0777) != 0)
		return FAILED;
	(void)fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		int i;
		(void)alarm(WATCHDOG);
		port = port_create();
		if (port < 0 || chdir(directory) != 0)
			_exit(FAILED);
		if (getenv("FILES_FLOOD") != NULL)
			flood_start();
		for (i = 0; i < count; i++) {
			char *words[WORDS + 1] = { 0 }, *save;
			int n = 0;
			line_number = numbers[i];
			for (char *word = strtok_r(lines[i], " \t\n", &save); word != NULL && n < WORDS;
			     word = strtok_r(NULL, " \t\n", &save))
				words[n++] = word;
			if (n > 0)
				run_line(words, n);
		}
		_exit(port_close(port) == 0 ? PASSED : FAILED);
	}
	(void)waitpid(child, &status, 0);
	(void)nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

static int counts[3];
static FILE *report;

static void finish_case(char *title, const char *only, char **lines, const int *numbers, int count)
{
	static const char *words[] = { "passed", "failed", "skipped" };
	char *name = strtok(title, " "), *clauses = strtok(NULL, "");
	if (name == NULL || (only != NULL && fnmatch(only, name, 0) != 0))
		return;
	int result = run_case(lines, numbers, count);
	int kind = result == PASSED ? 0 : result == SKIPPED ? 2 : 1;
	counts[kind]++;
	(void)printf("%s %s\n", kind == 0 ? "ok  " : kind == 1 ? "FAIL" : "skip", name);
	if (report != NULL) /* as ../conformance writes it */
		(void)fprintf(report, "files/%s\t%s\t%s\t%s\n", name, clauses == NULL ? "" : clauses, words[kind],
		    kind == 2 ? "the machine does not allow it" : "");
}

static int run_script(const char *only)
{
	enum { LINES = 128, LENGTH = 256 };
	static char text[LINES][LENGTH];
	static char *lines[LINES];
	static int numbers[LINES];
	char line[LENGTH], title[LENGTH] = "";
	int count = 0, number = 0;
	FILE *in = fopen(script, "re");
	if (in == NULL) {
		perror(script);
		return -1;
	}
	while (fgets(line, sizeof(line), in) != NULL) {
		number++;
		line[strcspn(line, "#\n")] = 0;
		if (strncmp(line, "case ", 5) == 0) {
			finish_case(title, only, lines, numbers, count);
			count = 0;
			(void)strcpy(title, line + 5);
		} else if (count < LINES) {
			(void)strcpy(text[count], line);
			lines[count] = text[count];
			numbers[count++] = number;
		}
	}
	finish_case(title, only, lines, numbers, count);
	(void)fclose(in);
	return 0;
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	int i = 1;
	(void)umask(022);
	for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
		if (strcmp(argv[i], "--only") == 0)
			only = argv[i + 1];
		else if (strcmp(argv[i], "--report") == 0 && (report = fopen(argv[i + 1], "we")) != NULL)
			(void)fputs("case\tclauses\tresult\tgate\n", report);
		else
			return 2;
	}
	for (; i < argc; i++) {
		script = argv[i];
		if (run_script(only) != 0)
			return 2;
	}
	if (report != NULL && fclose(report) != 0)
		return 2;
	(void)printf("%d passed, %d failed, %d skipped\n", counts[0], counts[1], counts[2]);
	return counts[1] != 0;
}
