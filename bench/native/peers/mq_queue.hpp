// peers/mq_queue.hpp - messages through a POSIX message queue of the depth any user may have.
#pragma once

#include <fcntl.h>
#include <mqueue.h>
#include <port.h>
#include <unistd.h>

#include <string>

#include "../check.hpp"

namespace bench {

class MqQueue {
public:
	MqQueue() {
		static unsigned made = 0;
		const std::string name =
		    "/bench-" + std::to_string(getpid()) + "-" + std::to_string(made++);
		mq_attr attributes{};
		attributes.mq_maxmsg = 10;
		attributes.mq_msgsize = sizeof(port_event_t);
		queue_ = check(mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attributes),
		    "mq_open");
		mq_unlink(name.c_str());
	}

	~MqQueue() { mq_close(queue_); }

	MqQueue(const MqQueue &) = delete;
	MqQueue &operator=(const MqQueue &) = delete;

	void send(const port_event_t &event) {
		check(mq_send(queue_, reinterpret_cast<const char *>(&event), sizeof event, 0), "mq_send");
	}

	unsigned receive(port_event_t *events, unsigned) {
		check(mq_receive(queue_, reinterpret_cast<char *>(events), sizeof *events, nullptr),
		    "mq_receive");
		return 1;
	}

private:
	mqd_t queue_;
};

} // namespace bench
