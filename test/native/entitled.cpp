// Whose number means what: an event of another process's descriptor is this one's only if the number
// is the same open file here (11.1). The kernel is asked to compare; where it may not say, the set of
// the port is asked whether it knows the pair.

#include "support.hpp"

#include "core/registry.hpp"

#include <atomic>
#include <functional>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace test;

namespace {

constexpr int ROUNDS = SANITIZED ? 2'000 : 20'000;

// From here on this process's kcmp(2) answers `error`.
void refuse_to_compare(int error) {
	sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kcmp, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	sock_fprog program = {std::size(code), code};
	EQUAL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	EQUAL(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

void in_child(const std::function<void()>& act) {
	pid_t pid = fork();
	if (pid == 0) {
		act();
		_exit(0);
	}
	int status;
	EQUAL(waitpid(pid, &status, 0), pid);
	EQUAL(status, 0);
}

int get_now(int port) {
	port_event_t event;
	timespec none{0, 0};
	return port_get(port, &event, &none) == 0 ? 0 : errno;
}

// A port with the event of one of this process's descriptors in its queue.
struct Queued {
	int port = port_create();
	int ends[2];
	Queued() {
		EQUAL(pipe(ends), 0);
		EQUAL(port_associate(port, PORT_SOURCE_FD, object(), POLLIN, nullptr), 0);
		EQUAL(write(ends[1], "x", 1), 1);
		EQUAL(port_send(port, 0, nullptr), 0); // what is ready is queued before
		port_event_t events[2];
		uint32_t count = 0;
		timespec none{0, 0};
		EQUAL(port_getn(port, events, 0, &count, &none), 0);
		EQUAL(count, 2);
	}
	~Queued() {
		EQUAL(port_close(port), 0);
		close(ends[0]);
		close(ends[1]);
	}
	uintptr_t object() const { return static_cast<uintptr_t>(ends[0]); }
	void take_message() const {
		port_event_t event;
		EQUAL(port_get(port, &event, nullptr), 0);
		EQUAL(event.portev_source, PORT_SOURCE_USER);
	}
};

void same_file() {
	for (int refused : {0, EPERM, ENOSYS}) {
		Queued queued;
		in_child([&] {
			if (refused != 0) refuse_to_compare(refused);
			port_event_t event;
			EQUAL(port_get(queued.port, &event, nullptr), 0);
			EQUAL(event.portev_source, PORT_SOURCE_FD);
			EQUAL(event.portev_object, queued.object());
		});
	}
	done("the same number and the same file, whether the kernel may compare or not");
}

// The set of the port knows the pair by this process's own number then.
void owner_gone() {
	for (int answer : {ESRCH, EBADF}) {
		Queued queued;
		in_child([&] {
			refuse_to_compare(answer);
			queued.take_message();
			EQUAL(get_now(queued.port), ETIME);
		});
	}
	done("nothing is had of an owner that is gone, or has closed it");
}

// The own pipe is registered for a moment without being associated.
void own_registration() {
	Queued queued;
	in_child([&] {
		int own[2];
		EQUAL(pipe(own), 0);
		EQUAL(dup2(own[0], queued.ends[0]), queued.ends[0]);
		refuse_to_compare(EPERM);
		queued.take_message();
		std::atomic<bool> stop{false};
		std::thread looks([&] {
			evp::PortRef ref = evp::registry::known(queued.port);
			while (!stop.load()) {
				ref->look_again();
				EQUAL(get_now(queued.port), ETIME);
			}
		});
		for (int round = 0; round < ROUNDS; round++) {
			EQUAL(port_associate(queued.port, PORT_SOURCE_FD, queued.object(), POLLIN, nullptr), 0);
			EQUAL(port_dissociate(queued.port, PORT_SOURCE_FD, queued.object()), 0);
		}
		stop.store(true);
		looks.join();
	});
	done("what this process is about to register or delete is not taken for another's");
}

int body() {
	same_file();
	owner_gone();
	own_registration();
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
