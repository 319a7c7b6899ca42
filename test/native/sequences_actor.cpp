#include "sequences_actor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace test::sequences {

int port = -1;
pid_t library_of = 0;

namespace {

port_source_t library = 0;

int error_of(int rc) { return rc == 0 ? 0 : errno; }

[[noreturn]] void serve(int channel) {
	for (;;) {
		Call call;
		ssize_t got = read(channel, &call, sizeof call);
		if (got != sizeof call || call.what == Do::EXIT) _exit(0);
		Answer answer = carry_out(call);
		if (write(channel, &answer, sizeof answer) != sizeof answer) _exit(1);
	}
}

} // namespace

Answer carry_out(const Call& call) {
	Answer answer{};
	switch (call.what) {
	case Do::SEND: answer.error = error_of(port_send(port, call.events, cookie(call.user))); break;
	case Do::ASSOCIATE:
		answer.error = error_of(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(call.number), call.events,
		                                       cookie(call.user)));
		break;
	case Do::DISSOCIATE:
		answer.error = error_of(port_dissociate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(call.number)));
		break;
	case Do::GETN: {
		timespec wait{0, call.wait_ns};
		answer.count = call.want;
		answer.error = error_of(port_getn(port, answer.list, call.max, &answer.count, &wait));
		break;
	}
	case Do::ALERT: answer.error = error_of(port_alert(port, call.number, call.events, cookie(call.user))); break;
	case Do::STATE: {
		pollfd one{call.number, static_cast<short>(call.events), 0};
		CHECK(poll(&one, 1, 0) >= 0);
		answer.count = static_cast<unsigned>(one.revents & (call.events | POLLERR | POLLHUP));
		break;
	}
	case Do::WRITE: {
		uint64_t one = 1;
		(void)!write(call.number, &one, sizeof one);
		break;
	}
	case Do::READ: {
		uint64_t some;
		(void)!read(call.number, &some, sizeof some);
		break;
	}
	case Do::CLOSE: answer.error = error_of(close(call.number)); break;
	case Do::REPLACE: {
		int fresh = eventfd(0, EFD_NONBLOCK);
		CHECK(fresh >= 0);
		EQUAL(dup2(fresh, call.number), call.number);
		EQUAL(close(fresh), 0);
		break;
	}
	case Do::FORK: {
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) serve(channel_of(call.number, true));
		answer.count = static_cast<unsigned>(pid);
		break;
	}
	case Do::LEAVE: answer.error = error_of(close(port)); break;
	case Do::EXIT: break;
	case Do::TIMER: {
		port_notify_t notify{port, cookie(call.user)};
		sigevent event{};
		event.sigev_notify = SIGEV_PORT;
		event.sigev_value.sival_ptr = &notify;
		timer_t id{};
		answer.error = error_of(timer_create(CLOCK_MONOTONIC, &event, &id));
		answer.timer = reinterpret_cast<uintptr_t>(id);
		break;
	}
	case Do::SET: {
		itimerspec past{};
		past.it_value.tv_nsec = 1;
		answer.error = error_of(timer_settime(reinterpret_cast<timer_t>(call.user), TIMER_ABSTIME, &past, nullptr));
		break;
	}
	case Do::DELETE: answer.error = error_of(timer_delete(reinterpret_cast<timer_t>(call.user))); break;
	case Do::DISPATCH:
		answer.error = error_of(port_dispatch(port, call.number, PORT_SOURCE_MQ, call.events, 1, cookie(call.user)));
		break;
	case Do::RESERVE: {
		if (library_of != getpid()) { // a child has none
			port_source_ops_t ops{sizeof ops, LIBRARY, nullptr, nullptr};
			EQUAL(port_source_open(port, &ops, nullptr, &library), 0);
			library_of = getpid();
		}
		port_slot_t slot = 0;
		answer.error = error_of(port_slot_reserve(library, call.number, 1, cookie(call.user), nullptr, &slot));
		answer.timer = slot;
		break;
	}
	case Do::POST: answer.error = error_of(port_slot_post(call.user, call.events)); break;
	case Do::RELEASE: answer.error = error_of(port_slot_release(call.user)); break;
	case Do::INFO: answer.info = info_of(port); break;
	}
	return answer;
}

} // namespace test::sequences
