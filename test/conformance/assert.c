/* Assertions: print what was seen, end the case. Usable from any thread. */
#include "harness.h"

static void fail_at(const char *file, int line)
{
	fprintf(stderr, "%s:%d: ", file, line);
}

static void end_case(void)
{
	(void)fflush(NULL);
	_exit(1);
}

const char *conf_errno_name(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = { { 0, "0" }, { EACCES, "EACCES" }, { EAGAIN, "EAGAIN" },
		{ EBADF, "EBADF" }, { EBADFD, "EBADFD" }, { EBUSY, "EBUSY" },
		{ EFAULT, "EFAULT" }, { EINTR, "EINTR" }, { EINVAL, "EINVAL" },
		{ ELOOP, "ELOOP" }, { EMFILE, "EMFILE" }, { ENOENT, "ENOENT" },
		{ ENOMEM, "ENOMEM" }, { ENOSYS, "ENOSYS" }, { ENOTSUP, "ENOTSUP" },
		{ EPERM, "EPERM" }, { ETIME, "ETIME" }, { EEXIST, "EEXIST" },
		{ EIO, "EIO" }, { ESPIPE, "ESPIPE" }, { ETIMEDOUT, "ETIMEDOUT" },
		{ ENOSPC, "ENOSPC" }, { ENFILE, "ENFILE" } };
	size_t i;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].err == err)
			return names[i].name;
	}
	return strerror(err);
}

void conf_true(const char *file, int line, const char *expr, int ok)
{
	int err = errno;
	if (ok)
		return;
	fail_at(file, line);
	fprintf(stderr, "not true: %s (errno %s)\n", expr, conf_errno_name(err));
	end_case();
}

void conf_eq(const char *file, int line, const char *expr, long long got,
    long long want)
{
	int err = errno;
	if (got == want)
		return;
	fail_at(file, line);
	fprintf(stderr, "%s is %lld (0x%llx), want %lld (0x%llx) (errno %s)\n", expr,
	    got, (unsigned long long)got, want, (unsigned long long)want,
	    conf_errno_name(err));
	end_case();
}

void conf_ptr(const char *file, int line, const char *expr, const void *got,
    const void *want)
{
	if (got == want)
		return;
	fail_at(file, line);
	fprintf(stderr, "%s is %p, want %p\n", expr, got, want);
	end_case();
}

void conf_ok(const char *file, int line, const char *expr, long long got)
{
	int err = errno;
	if (got == 0)
		return;
	fail_at(file, line);
	fprintf(stderr, "%s is %lld, want 0 (errno %s)\n", expr, got,
	    conf_errno_name(err));
	end_case();
}

void conf_fails(const char *file, int line, const char *expr, long long got,
    int want)
{
	int err = errno;
	if (got == -1 && err == want)
		return;
	fail_at(file, line);
	fprintf(stderr, "%s is %lld", expr, got);
	if (got == -1)
		fprintf(stderr, " with %s", conf_errno_name(err));
	fprintf(stderr, ", want -1 with %s\n", conf_errno_name(want));
	end_case();
}

void conf_event(const char *file, int line, const port_event_t *pe, int source,
    uintptr_t object, int events, void *user)
{
	if (pe->portev_source == source && pe->portev_object == object &&
	    pe->portev_events == events && pe->portev_user == user)
		return;
	fail_at(file, line);
	fprintf(stderr,
	    "event is {source %d, object 0x%llx, events 0x%x, user %p},"
	    " want {%d, 0x%llx, 0x%x, %p}\n",
	    pe->portev_source, (unsigned long long)pe->portev_object,
	    (unsigned int)pe->portev_events, pe->portev_user, source,
	    (unsigned long long)object, (unsigned int)events, user);
	end_case();
}
