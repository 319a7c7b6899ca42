// peers/stream_queue.hpp - messages through a byte stream: a pipe or a stream socket pair.
//
// Writes of 24 bytes are atomic in both, and a read of a multiple of 24 bytes ends on a message.
#pragma once

#include <fcntl.h>
#include <port.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "../check.hpp"

namespace bench {

class StreamQueue {
public:
	~StreamQueue() {
		close(ends_[0]);
		close(ends_[1]);
	}

	StreamQueue(const StreamQueue &) = delete;
	StreamQueue &operator=(const StreamQueue &) = delete;

	void send(const port_event_t &event) { check(write(ends_[1], &event, sizeof event), "write"); }

	unsigned receive(port_event_t *events, unsigned most) {
		const ssize_t got = check(read(ends_[0], events, most * sizeof *events), "read");
		if (got % static_cast<ssize_t>(sizeof *events) != 0)
			throw std::runtime_error("a message was torn");
		return static_cast<unsigned>(got) / sizeof *events;
	}

protected:
	StreamQueue() = default;
	int ends_[2];
};

struct PipeQueue : StreamQueue {
	PipeQueue() { check(pipe2(ends_, O_CLOEXEC), "pipe2"); }
};

struct SocketQueue : StreamQueue {
	SocketQueue() {
		check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_), "socketpair");
	}
};

} // namespace bench
