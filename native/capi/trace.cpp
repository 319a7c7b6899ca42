#include "capi/trace.hpp"

#include "capi/trace_line.hpp"
#include "core/registry.hpp"
#include "sys/fd.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace evp::capi::trace {

std::atomic<uint8_t> state{UNREAD};

namespace {

// As the environment had it at the first call: written once, before `state` is ON.
char choice[1024];  // names between commas; empty: all
char path[1024];    // of the file; empty: standard error
std::atomic<int> file{-1};
dev_t device;
ino_t inode;

// The call that comes next is a twin's. Taken back as it begins, so that a signal handler's
// calls meanwhile are told of too.
[[gnu::tls_model("initial-exec")]] thread_local bool telling;

constexpr char PREFIX[] = "port_";

bool is(const char* item, size_t length, const char* name) {
	return strlen(name) == length && memcmp(item, name, length) == 0;
}

// Calls what(item, length) for each item between commas and blanks until it returns true.
template <class Do>
bool any_item(const char* list, Do what) {
	while (*list != 0) {
		list += strspn(list, ", ");
		size_t length = strcspn(list, ", ");
		if (length != 0 && what(list, length)) return true;
		list += length;
	}
	return false;
}

void append(char (&to)[1024], const char* item, size_t length) {
	size_t used = strlen(to);
	if (used + length + 2 > sizeof to) return;
	memcpy(to + used, item, length);
	to[used + length] = ',';
}

bool open_file() {
	int fd = sys::open_raw(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	struct stat status;
	if (fd < 0 || fstat(fd, &status) != 0) return false;
	sys::UniqueFd placed = sys::move_high(sys::UniqueFd(fd));
	registry::note_internal(placed.get(), true);
	device = status.st_dev;
	inode = status.st_ino;
	file.store(placed.release());
	return true;
}

// A program that closes all descriptors may have given the number to a file of its own.
int descriptor() {
	if (path[0] == 0) return STDERR_FILENO;
	int fd = file.load();
	struct stat status;
	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode) return fd;
	return open_file() ? file.load() : -1;
}

uint8_t read_environment() {
	// Not where a user traces another's program: the file would be that user's choice.
	const char* text = secure_getenv("PORT_DEBUG");
	if (!text || *text == 0 || strcmp(text, "0") == 0 || strcmp(text, "false") == 0) return OFF;
	bool all = false, names = false;
	any_item(text, [&](const char* item, size_t length) {
		if (is(item, length, "1") || is(item, length, "true") || is(item, length, "*")) {
			all = true;
		} else if (*item == '/') {
			if (length < sizeof path) memcpy(path, item, length);
		} else {
			names = true;
			append(choice, item, length);
		}
		return false;
	});
	if (all) choice[0] = 0;
	return all || names || path[0] != 0 ? ON : OFF;
}

} // namespace

bool wanted(const char* name) {
	if (telling) {
		telling = false;
		return false;
	}
	uint8_t seen = UNREAD;
	int saved = errno;
	if (state.compare_exchange_strong(seen, READING)) {
		seen = read_environment();
		state.store(seen);
	}
	errno = saved;
	if (seen != ON) return false; // or being read: by another thread, or under a signal
	const char* bare = strncmp(name, PREFIX, strlen(PREFIX)) == 0 ? name + strlen(PREFIX) : name;
	return choice[0] == 0 || any_item(choice, [&](const char* item, size_t length) {
		return is(item, length, name) || is(item, length, bare);
	});
}

// --- The twins.

namespace {

constexpr auto NOTHING = [](Line&, int) {};

// describe(line) gives the arguments, make() makes the call, tell(line, result) says what it gave.
template <class Describe, class Make, class Tell = decltype(NOTHING)>
int told(const char* name, Describe describe, Make make, Tell tell = NOTHING) {
	Line line(name);
	describe(line); // before: what is named may be gone afterwards
	telling = true;
	int result = make();
	int error = errno;
	line.result(result, error);
	tell(line, result);
	if (int fd = descriptor(); fd >= 0) line.write(fd);
	errno = error;
	return result;
}

} // namespace

int told_create() {
	return told(
	    "port_create", [](Line&) {},
	    [&] { return port_create(); });
}

int told_create_limit(unsigned limit, int cloexec) {
	return told(
	    "port_create_limit", [&](Line& line) { line.number("limit", limit).number("cloexec", cloexec); },
	    [&] { return port_create_limit(limit, cloexec); });
}

int told_close(int port) {
	return told(
	    "port_close", [&](Line& line) { line.port(port); },
	    [&] { return port_close(port); });
}

int told_fd_close(int fd) {
	return told(
	    "port_fd_close", [&](Line& line) { line.number("fd", fd); },
	    [&] { return port_fd_close(fd); });
}

int told_ticket(int port) {
	return told(
	    "port_ticket", [&](Line& line) { line.port(port); },
	    [&] { return port_ticket(port); });
}

int told_attach(int ticket) {
	return told(
	    "port_attach", [&](Line& line) { line.number("ticket", ticket); },
	    [&] { return port_attach(ticket); });
}

int told_associate(int port, int source, uintptr_t object, int events, void* user) {
	return told(
	    "port_associate", [&](Line& line) { line.port(port).source(source).object(source, object).bits("events", events).pointer("user", user); },
	    [&] { return port_associate(port, source, object, events, user); });
}

int told_associate_list(int port, port_assoc_t* list, unsigned count) {
	return told(
	    "port_associate_list", [&](Line& line) { line.port(port).number("count", count); },
	    [&] { return port_associate_list(port, list, count); });
}

int told_dissociate(int port, int source, uintptr_t object) {
	return told(
	    "port_dissociate", [&](Line& line) { line.port(port).source(source).object(source, object); },
	    [&] { return port_dissociate(port, source, object); });
}

int told_send(int port, int events, void* user) {
	return told(
	    "port_send", [&](Line& line) { line.port(port).bits("events", events).pointer("user", user); },
	    [&] { return port_send(port, events, user); });
}

int told_sendn(int* ports, int* errors, unsigned count, int events, void* user) {
	return told(
	    "port_sendn", [&](Line& line) { line.number("count", count).bits("events", events).pointer("user", user); },
	    [&] { return port_sendn(ports, errors, count, events, user); });
}

int told_get(int port, port_event_t* event, const timespec* timeout) {
	return told(
	    "port_get", [&](Line& line) { line.port(port).time("timeout", timeout); },
	    [&] { return port_get(port, event, timeout); },
	    [&](Line& line, int result) {
		    if (result == 0) line.given(*event);
	    });
}

int told_getn(int port, port_event_t* list, unsigned max, unsigned* nget, const timespec* timeout) {
	return told(
	    "port_getn", [&](Line& line) { 
		    line.port(port).number("max", max).number("nget", nget ? *nget : 0).time("timeout", timeout);
	     },
	    [&] { return port_getn(port, list, max, nget, timeout); },
	    [&](Line& line, int result) {
		    if (result != 0 && errno != ETIME) return;
		    line.given("nget", *nget);
		    for (unsigned i = 0; i < *nget && max != 0; i++) line.given(list[i]);
	    });
}

int told_alert(int port, int flags, int events, void* user) {
	return told(
	    "port_alert", [&](Line& line) { line.port(port).bits("flags", flags).bits("events", events).pointer("user", user); },
	    [&] { return port_alert(port, flags, events, user); });
}

int told_dispatch(int port, int flags, int source, int events, uintptr_t object, void* user) {
	return told(
	    "port_dispatch", [&](Line& line) { 
		    line.port(port).bits("flags", flags).source(source).bits("events", events);
		    line.object(source, object).pointer("user", user);
	     },
	    [&] { return port_dispatch(port, flags, source, events, object, user); });
}

int told_timer_create(clockid_t clock, sigevent* event, timer_t* timer) {
	return told(
	    "port_timer_create", [&](Line& line) { line.number("clock", clock).pointer("event", event); },
	    [&] { return port_timer_create(clock, event, timer); },
	    [&](Line& line, int result) {
		    if (result == 0) line.given("timer", static_cast<int64_t>(reinterpret_cast<uintptr_t>(*timer)));
	    });
}

int told_timer_settime(timer_t timer, int flags, const itimerspec* value, itimerspec* old) {
	return told(
	    "port_timer_settime", [&](Line& line) { 
		    line.pointer("timer", timer).bits("flags", flags).time("value", value ? &value->it_value : nullptr);
		    line.time("interval", value ? &value->it_interval : nullptr);
	     },
	    [&] { return port_timer_settime(timer, flags, value, old); });
}

int told_timer_delete(timer_t timer) {
	return told(
	    "port_timer_delete", [&](Line& line) { line.pointer("timer", timer); },
	    [&] { return port_timer_delete(timer); });
}

int told_aio_read(::aiocb* request) {
	return told(
	    "port_aio_read", [&](Line& line) { line.pointer("aiocb", request); },
	    [&] { return port_aio_read(request); });
}

int told_aio_write(::aiocb* request) {
	return told(
	    "port_aio_write", [&](Line& line) { line.pointer("aiocb", request); },
	    [&] { return port_aio_write(request); });
}

int told_aio_fsync(int op, ::aiocb* request) {
	return told(
	    "port_aio_fsync", [&](Line& line) { line.bits("op", op).pointer("aiocb", request); },
	    [&] { return port_aio_fsync(op, request); });
}

int told_aio_cancel(int fd, ::aiocb* request) {
	return told(
	    "port_aio_cancel", [&](Line& line) { line.number("fd", fd).pointer("aiocb", request); },
	    [&] { return port_aio_cancel(fd, request); });
}

int told_lio_listio(int mode, ::aiocb* const* list, int count, sigevent* event) {
	return told(
	    "port_lio_listio", [&](Line& line) { line.number("mode", mode).number("count", count).pointer("event", event); },
	    [&] { return port_lio_listio(mode, list, count, event); });
}

int told_mq_notify(int queue, const sigevent* event) {
	return told(
	    "port_mq_notify", [&](Line& line) { line.number("queue", queue).pointer("event", event); },
	    [&] { return port_mq_notify(queue, event); });
}

} // namespace evp::capi::trace
