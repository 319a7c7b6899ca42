// The look at a watched name comes after the notes that were read (file_verdict.cpp): what
// happens to the name between the two has notes of its own, and those say what it was.
// Here it happens at the very moment of the look, as what a signal handler does then.

#include "support.hpp"

#include <csignal>
#include <cstdarg>
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace test;

namespace {

std::string file, other;
void (*at_the_look)() = nullptr; // once

void create() { EQUAL(close(open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0); }

void move(const std::string& from, const std::string& to) { EQUAL(rename(from.c_str(), to.c_str()), 0); }

// What an association for exceptions tells of a change of attributes, then of `meanwhile`.
void told(const char* name, int want, void (*meanwhile)()) {
	create();
	int kept = open(file.c_str(), O_RDONLY | O_CLOEXEC);
	int port = port_create();
	file_obj_t object{};
	object.fo_name = file.data();
	EQUAL(port_associate(port, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(&object), 0, nullptr), 0);
	EQUAL(chmod(file.c_str(), 0640), 0);
	at_the_look = meanwhile;
	port_event_t event{};
	EQUAL(port_get(port, &event, nullptr), 0);
	EQUAL(event.portev_events, want);
	CHECK(!at_the_look);
	EQUAL(port_close(port), 0);
	EQUAL(close(kept), 0);
	(void)unlink(file.c_str());
	(void)unlink(other.c_str());
	done(name);
}

int closed_in_handler;

void associate(int port, file_obj_t* object, int events) {
	EQUAL(port_associate(port, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(object), events, nullptr), 0);
}

void change(const std::string& name, port_event_t* event, int port) {
	EQUAL(chmod(name.c_str(), 0640), 0);
	EQUAL(port_get(port, event, nullptr), 0);
	EQUAL(event->portev_events, FILE_ATTRIB);
}

// A handler over the reading of notes closes another port, which is not in use: it goes when it can.
void another_port_is_closed(const char* name) {
	create();
	int kept = open(other.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC, 0600);
	int port = port_create();
	closed_in_handler = port_create();
	file_obj_t mine{}, others{};
	mine.fo_name = file.data();
	others.fo_name = other.data();
	associate(port, &mine, FILE_ATTRIB);
	associate(closed_in_handler, &others, FILE_ATTRIB);
	at_the_look = [] { raise(SIGUSR1); };
	signal(SIGUSR1, [](int) { EQUAL(port_close(closed_in_handler), 0); });
	port_event_t event{};
	change(file, &event, port);
	CHECK(!at_the_look);
	EQUAL(fcntl(closed_in_handler, F_GETFD), -1);
	EQUAL(fchmod(kept, 0640), 0);
	associate(port, &mine, FILE_ATTRIB);
	change(file, &event, port);
	int another = port_create();
	associate(another, &others, FILE_ATTRIB);
	change(other, &event, another);
	EQUAL(port_close(another), 0);
	EQUAL(port_close(port), 0);
	EQUAL(close(kept), 0);
	EQUAL(unlink(file.c_str()), 0);
	EQUAL(unlink(other.c_str()), 0);
	done(name);
}

int body() {
	char directory[] = "/tmp/event-ports-looks-XXXXXX";
	CHECK(mkdtemp(directory));
	file = std::string(directory) + "/f";
	other = std::string(directory) + "/g";
	told("renamed", FILE_RENAME_FROM, [] { move(file, other); });
	told("renamed, and another file made", FILE_RENAME_FROM, [] {
		move(file, other);
		create();
	});
	told("unlinked, and another file made", FILE_DELETE, [] {
		EQUAL(unlink(file.c_str()), 0);
		create();
	});
	told("renamed and back", FILE_RENAME_FROM, [] {
		move(file, other);
		create();
		move(other, file);
	});
	another_port_is_closed("another port is closed");
	EQUAL(rmdir(directory), 0);
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

// The library's own, which it makes of libc's.
extern "C" long syscall(long number, ...) {
	static auto next = reinterpret_cast<long (*)(long, ...)>(dlsym(RTLD_NEXT, "syscall"));
	long a[6];
	va_list list;
	va_start(list, number);
	for (long& value : a) value = va_arg(list, long);
	va_end(list);
	if (number == SYS_statx && at_the_look && file == reinterpret_cast<const char*>(a[1])) {
		auto* now = at_the_look;
		at_the_look = nullptr;
		now();
	}
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int main() { return watched(body); }
