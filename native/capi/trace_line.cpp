#include "capi/trace_line.hpp"

#include "sys/clock.hpp"
#include "sys/process.hpp"

#include <cerrno>
#include <cstring>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::capi::trace {

namespace {

struct ErrorName {
	int error;
	const char* name;
};
#define NAMED(error) {error, #error}
constexpr ErrorName ERRORS[] = {
    NAMED(EACCES), NAMED(EAGAIN), NAMED(EBADF), NAMED(EBADFD), NAMED(EBADMSG), NAMED(EBUSY),
    NAMED(EEXIST), NAMED(EFAULT), NAMED(EINTR), NAMED(EINVAL), NAMED(EIO), NAMED(ELOOP),
    NAMED(EMFILE), NAMED(ENAMETOOLONG), NAMED(ENFILE), NAMED(ENOENT), NAMED(ENOMEM), NAMED(ENOSPC),
    NAMED(ENOSYS), NAMED(ENOTDIR), NAMED(ENOTSUP), NAMED(EPERM), NAMED(EPROTO), NAMED(ESRCH),
    NAMED(ETIME), NAMED(ETOOMANYREFS),
};
#undef NAMED

constexpr const char* SOURCES[] = {nullptr, "AIO", "TIMER", "USER", "FD", "ALERT", "MQ", "FILE"};

} // namespace

Line::Line(const char* name) {
	int64_t us = sys::monotonic_ns() / 1000;
	text("event-ports ").decimal(us / 1000).text(".");
	int64_t rest = us % 1000;
	text(rest < 10 ? "00" : rest < 100 ? "0" : "").decimal(rest).text(" ");
	decimal(sys::process_id()).text("/").decimal(sys::self().tid).text(" ").text(name).text("(");
}

Line& Line::text(const char* text) {
	while (*text != 0 && length_ < ROOM) text_[length_++] = *text++;
	return *this;
}

Line& Line::decimal(int64_t value) {
	char digits[24];
	size_t at = sizeof digits;
	digits[--at] = 0;
	uint64_t rest = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
	do digits[--at] = static_cast<char>('0' + rest % 10);
	while ((rest /= 10) != 0);
	if (value < 0) digits[--at] = '-';
	return text(digits + at);
}

Line& Line::hexadecimal(uint64_t value) {
	char digits[20];
	size_t at = sizeof digits;
	digits[--at] = 0;
	do digits[--at] = "0123456789abcdef"[value % 16];
	while ((value /= 16) != 0);
	return text("0x").text(digits + at);
}

Line& Line::argument(const char* name) {
	if (!first_) text(", ");
	first_ = false;
	return text(name).text(" ");
}

Line& Line::port(int number) { return argument("port").decimal(number); }
Line& Line::number(const char* name, int64_t value) { return argument(name).decimal(value); }
Line& Line::bits(const char* name, int value) {
	return argument(name).hexadecimal(static_cast<uint32_t>(value));
}
Line& Line::pointer(const char* name, const void* value) {
	return argument(name).hexadecimal(reinterpret_cast<uintptr_t>(value));
}

Line& Line::source(int kind) {
	bool known = kind > 0 && kind < static_cast<int>(sizeof SOURCES / sizeof SOURCES[0]);
	return known ? argument("source").text(SOURCES[kind]) : number("source", kind);
}

Line& Line::object(int source, uintptr_t object) {
	argument(source == PORT_SOURCE_FD ? "fd" : "object");
	return source == PORT_SOURCE_FD ? decimal(static_cast<int64_t>(object)) : hexadecimal(object);
}

Line& Line::time(const char* name, const timespec* value) {
	argument(name);
	if (!value) return text("none");
	decimal(value->tv_sec);
	if (value->tv_nsec == 0) return text(" s");
	return text(" s ").decimal(value->tv_nsec).text(" ns");
}

void Line::result(int64_t value, int error) {
	text(") = ");
	if (value >= 0) {
		decimal(value);
		return;
	}
	text("-");
	for (const ErrorName& known : ERRORS)
		if (known.error == error) {
			text(known.name);
			return;
		}
	decimal(error);
}

void Line::given(const char* name, int64_t value) { text(", ").text(name).text(" ").decimal(value); }

void Line::given(const port_event_t& event) {
	text(" {");
	first_ = true;
	source(event.portev_source).object(event.portev_source, event.portev_object);
	bits("events", event.portev_events).pointer("user", event.portev_user).text("}");
}

void Line::write(int fd) {
	if (length_ == ROOM) memcpy(text_ + ROOM - 3, "...", 3);
	text_[length_] = '\n';
	const char* from = text_;
	size_t left = length_ + 1;
	while (left != 0) { // one, but for a pipe that is full
		ssize_t n = syscall(SYS_write, fd, from, left); // raw: libc's is a cancellation point
		if (n < 0 && errno != EINTR) return;
		if (n < 0) continue;
		from += n;
		left -= static_cast<size_t>(n);
	}
}

} // namespace evp::capi::trace
