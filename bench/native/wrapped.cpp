// wrapped - what wrapping libc's calls costs descriptors that are no port and not associated: our
// close, dup2 and fcntl beside libc's own, with no port in the process and with ports and associations.

#include "clocks.hpp"
#include "harness.hpp"

#include <port.h>

#include <dlfcn.h>
#include <fcntl.h>

using namespace bench;

namespace {

struct Calls {
	int (*close)(int);
	int (*dup2)(int, int);
	int (*fcntl)(int, int, ...);
};

// libport.so stands in front; libc's own are found in libc.
Calls calls_of(bool wrapped) {
	void *where = wrapped ? RTLD_DEFAULT : dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	return {reinterpret_cast<int (*)(int)>(dlsym(where, "close")),
	    reinterpret_cast<int (*)(int, int)>(dlsym(where, "dup2")),
	    reinterpret_cast<int (*)(int, int, ...)>(dlsym(where, "fcntl"))};
}

// A port with a hundred associations, none of which the calls touch.
struct Company {
	explicit Company(bool wanted) {
		if (!wanted)
			return;
		port = port_create();
		for (int i = 0; i < 100; i++) {
			fds.push_back(fcntl(STDIN_FILENO, F_DUPFD, 100));
			port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(fds.back()), POLLIN, nullptr);
		}
	}
	~Company() {
		for (int fd : fds)
			close(fd);
		if (port >= 0)
			close(port);
	}
	int port = -1;
	std::vector<int> fds;
};

Figures measure(const std::string &what, bool wrapped, bool ports, int count) {
	const Calls calls = calls_of(wrapped);
	const Company company(ports);
	const int file = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int other = dup(file);
	const auto once = [&] {
		if (what == "close-nothing") // the call and no more
			calls.close(1'000'000);
		else if (what == "dup-close")
			calls.close(dup(file));
		else if (what == "dup2")
			calls.dup2(file, other);
		else if (what == "fcntl-getfl")
			calls.fcntl(file, F_GETFL);
		else
			calls.fcntl(file, F_SETFD, FD_CLOEXEC);
	};
	once();
	const uint64_t cpu = thread_cpu_ns();
	for (int i = 0; i < count; i++)
		once();
	const auto spent = static_cast<double>(thread_cpu_ns() - cpu);
	close(file);
	close(other);
	return {{"cpu_ns", spent / count}};
}

} // namespace

int main(int argc, char **argv) {
	Race race("wrapped", argc, argv);
	const int count = race.quick() ? 100'000 : 1'000'000;
	for (const std::string what : {"close-nothing", "dup-close", "dup2", "fcntl-getfl", "fcntl-setfd"})
		for (const bool ports : {false, true}) {
			const std::string where = "what=" + what + " ports=" + (ports ? "1" : "0");
			race.add(where, "libc", [=] { return measure(what, false, ports, count); });
			race.add(where, "wrapped", [=] { return measure(what, true, ports, count); });
		}
	return race.run();
}
