// Two copies of the library in one process: one in this program, one that a plugin would bring.

#include "support.hpp"

#include <dlfcn.h>
#include <poll.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace test;

namespace {

const timespec NONE{};

// The calls of the copy that is loaded.
struct Other {
	void* library = dlopen(LIBPORT, RTLD_NOW | RTLD_LOCAL);
	template <class Call>
	Call* call(Call*, const char* name) const {
		void* found = library ? dlsym(library, name) : nullptr;
		CHECK(found);
		return reinterpret_cast<Call*>(found);
	}
};
const Other other;
#define OTHER(name) (*other.call(&name, #name))

int retrieve(int port, port_event_t& event) { return port_get(port, &event, &NONE) == 0 ? 0 : errno; }

uint32_t members(int port) {
	port_info_t info{};
	info.pi_size = sizeof info;
	EQUAL(port_getinfo(port, &info), 0);
	return info.pi_members;
}

void await_waiters(int port, uint32_t count) {
	port_info_t info{};
	info.pi_size = sizeof info;
	do {
		EQUAL(port_getinfo(port, &info), 0);
		std::this_thread::yield();
	} while (info.pi_waiters != count);
}

struct Associated {
	int fds[2], port = port_create();
	Associated() {
		EQUAL(pipe(fds), 0);
		EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(fds[0]), POLLIN, cookie(7)), 0);
	}
	~Associated() {
		port_close(port);
		close(fds[0]);
		close(fds[1]);
	}
	void fires() const {
		port_event_t event{};
		EQUAL(write(fds[1], "x", 1), 1);
		EQUAL(retrieve(port, event), 0);
		EQUAL(event.portev_source, PORT_SOURCE_FD);
		EQUAL(number_of(event), 7);
	}
};

void its_number() {
	Associated mine;
	EQUAL(OTHER(port_isport)(mine.port), 0);
	EQUAL(OTHER(port_send)(mine.port, 0, nullptr), -1);
	EQUAL(errno, EBADFD);
	EQUAL(members(mine.port), 1);
	mine.fires();
	done("another copy's port is no port by its number, and loses nothing");
}

void by_a_ticket() {
	Associated mine;
	int ticket = port_ticket(mine.port);
	int theirs = OTHER(port_attach)(ticket);
	CHECK(theirs >= 0);
	close(ticket);
	EQUAL(members(mine.port), 2);
	EQUAL(OTHER(port_send)(theirs, 0, cookie(1)), 0);
	port_event_t event{};
	EQUAL(retrieve(mine.port, event), 0);
	EQUAL(number_of(event), 1);
	EQUAL(retrieve(mine.port, event), ETIME);
	EQUAL(OTHER(port_close)(theirs), 0);
	mine.fires();
	done("a port that another copy has by a ticket is shared, and keeps what it had");
}

void under_waiters() {
	int port = port_create();
	int got = 0;
	auto wait = [&] {
		port_event_t event{};
		EQUAL(port_get(port, &event, nullptr), 0);
		__atomic_add_fetch(&got, 1, __ATOMIC_RELAXED);
	};
	std::thread first(wait), second(wait);
	await_waiters(port, 2);
	int ticket = port_ticket(port);
	int theirs = OTHER(port_attach)(ticket);
	close(ticket);
	await_waiters(port, 2);
	EQUAL(OTHER(port_send)(theirs, 0, nullptr), 0);
	await_waiters(port, 1);
	EQUAL(port_send(port, 0, nullptr), 0);
	first.join();
	second.join();
	EQUAL(got, 2);
	EQUAL(OTHER(port_close)(theirs), 0);
	EQUAL(port_close(port), 0);
	done("its waiters stay, and an event goes to one of them");
}

// Each is a member of its own there as well.
void in_a_child() {
	Associated mine;
	int theirs = OTHER(port_create)();
	pid_t child = fork();
	if (child == 0) {
		EQUAL(port_send(mine.port, 0, cookie(1)), 0);
		EQUAL(OTHER(port_send)(theirs, 0, cookie(2)), 0);
		_exit(0);
	}
	int status = 0;
	EQUAL(waitpid(child, &status, 0), child);
	EQUAL(status, 0);
	port_event_t event{};
	EQUAL(retrieve(mine.port, event), 0);
	EQUAL(number_of(event), 1);
	EQUAL(OTHER(port_get)(theirs, &event, &NONE), 0);
	EQUAL(number_of(event), 2);
	mine.fires();
	EQUAL(OTHER(port_close)(theirs), 0);
	done("ports of both are used by a child");
}

int run() {
	its_number();
	by_a_ticket();
	under_waiters();
	in_a_child();
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(run); }
