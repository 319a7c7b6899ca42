/*
 * The runner: chooses cases, forks one child for each, watches it, writes the
 * report. See README.md for the command line.
 */
#include "harness.h"
#include "runner.h"

#include <fnmatch.h>
#include <sys/wait.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

static struct conf_case *cases, **cases_end = &cases;

void conf_register(struct conf_case *c)
{
	*cases_end = c;
	cases_end = &c->next;
}

/* Everything lazily made for the process exists afterwards, so that the count
 * of descriptors tells of this case alone. */
static void warm_up(void)
{
	int pipe_fd[2];
	unsigned int n = 0;
	int port = new_port();
	new_pipe(pipe_fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)pipe_fd[0], POLLIN, NULL));
	OK(port_send(port, 1, NULL));
	OK(port_getn(port, &(port_event_t){ 0 }, 1, &n, NOWAIT));
#if defined(__linux__)
	/* The engine of asynchronous I/O keeps its descriptors. */
	OK(port_capabilities(&(port_capabilities_t){ .pc_size = sizeof(port_capabilities_t) }));
#endif
	conf_close_tracked();
}

static void run_child(const struct conf_case *c)
{
	int before;
	sigset_t none;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
#if defined(PR_SET_PTRACER)
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
#endif
	if (!c->cold)
		warm_up();
	before = open_fds();
	c->run();
	conf_close_tracked();
	if (!c->cold && open_fds() > before) {
		fprintf(stderr, "%s:%d: descriptors leaked: %d before, %d after\n",
		    c->file, c->line, before, open_fds());
		conf_list_fds();
		_exit(1);
	}
	_exit(0);
}

static void dump_stacks(pid_t pid)
{
	char command[160];
	(void)snprintf(command, sizeof(command),
	    "(command -v gdb >/dev/null && gdb -batch -p %ld -ex 'thread apply all bt' || "
	    "pstack %ld) 1>&2 2>/dev/null",
	    (long)pid, (long)pid);
	if (system(command) != 0)
		fprintf(stderr, "(no stacks: neither gdb nor pstack)\n");
}

/* Waits for the child; dumps its stacks and kills it when it hangs. */
static int wait_child(pid_t pid, int seconds, int *hung)
{
	int status = 0;
	double deadline = monotonic() + seconds;
	sigset_t chld;
	(void)sigemptyset(&chld);
	(void)sigaddset(&chld, SIGCHLD);
	*hung = 0;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (monotonic() >= deadline) {
			*hung = 1;
			dump_stacks(pid);
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			break;
		}
		(void)sigtimedwait(&chld, NULL, TS(1, 0));
	}
	return status;
}

static int run_case(const struct conf_case *c, int seconds)
{
	int status, hung;
	pid_t pid;
	(void)fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		return 0;
	}
	if (pid == 0) {
		(void)setpgid(0, 0);
		run_child(c);
	}
	status = wait_child(pid, seconds, &hung);
	(void)kill(-pid, SIGKILL); /* children that it left waiting */
	if (hung)
		fprintf(stderr, "%s:%d: hung for %d s\n", c->file, c->line, seconds);
	else if (WIFSIGNALED(status))
		fprintf(stderr, "%s:%d: died of signal %d (%s)\n", c->file, c->line,
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	return !hung && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void report_line(FILE *report, const struct conf_case *c,
    const char *result, const char *reason)
{
	if (report != NULL)
		fprintf(report, "%s\t%s\t%s\t%s\n", c->name, c->clauses, result, reason);
}

static int usage(void)
{
	fprintf(stderr, "usage: conformance [--list] [--only GLOB] [--gates FILE]"
	    " [--report FILE]\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *only = "*", *gates = CONF_GATES, *report_path = NULL;
	const char *watchdog = getenv("CONFORMANCE_WATCHDOG");
	int seconds = watchdog != NULL ? atoi(watchdog) : 60;
	int passed = 0, failed = 0, skipped = 0, list = 0, i;
	FILE *report = NULL;
	struct conf_case *c;
	sigset_t chld;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--list") == 0)
			list = 1;
		else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			only = argv[++i];
		else if (strcmp(argv[i], "--gates") == 0 && i + 1 < argc)
			gates = argv[++i];
		else if (strcmp(argv[i], "--report") == 0 && i + 1 < argc)
			report_path = argv[++i];
		else
			return usage();
	}
	if (gates_load(gates) != 0)
		return 2;
	if (report_path != NULL && (report = fopen(report_path, "w")) == NULL) {
		perror(report_path);
		return 2;
	}
	if (report != NULL)
		fprintf(report, "case\tclauses\tresult\tgate\n");
	(void)sigemptyset(&chld);
	(void)sigaddset(&chld, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &chld, NULL);

	for (c = cases; c != NULL; c = c->next) {
		const char *reason;
		if (fnmatch(only, c->name, 0) != 0)
			continue;
		if (list) {
			printf("%s\t%s\t%s:%d\n", c->name, c->clauses, c->file, c->line);
			continue;
		}
		reason = gates_reason(c->name);
		if (reason != NULL) {
			skipped++;
			printf("skipped %s: %s\n", c->name, reason);
			report_line(report, c, "skipped", reason);
		} else if (run_case(c, seconds)) {
			passed++;
			printf("ok %s\n", c->name);
			report_line(report, c, "passed", "");
		} else {
			failed++;
			printf("FAILED %s (%s) %s:%d\n", c->name, c->clauses, c->file,
			    c->line);
			report_line(report, c, "failed", "");
		}
	}
	if (report != NULL && fclose(report) != 0) {
		perror(report_path);
		return 2;
	}
	if (!list)
		printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed != 0 || (!list && passed == 0);
}
