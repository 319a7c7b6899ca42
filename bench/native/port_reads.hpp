// port_reads.hpp - reads as a program of illumos makes them: aio_read, or lio_listio for what is
// started together, with SIGEV_PORT; completions by port_getn.
#pragma once

#include <aio.h>
#include <port.h>

#include "aio_load.hpp"

namespace bench {

class PortReads {
public:
	PortReads(int fd, size_t depth) : fd_(fd), buffers_(depth), requests_(depth), events_(depth) {
		port_ = check(port_create(), "port_create");
		for (size_t slot = 0; slot < depth; slot++)
			prepare(slot);
	}
	~PortReads() { close(port_); }
	PortReads(const PortReads &) = delete;

	void start(size_t slot, off_t offset) {
		requests_[slot].cb.aio_offset = offset;
		check(aio_read(&requests_[slot].cb), "aio_read");
	}
	void submit() {}
	void wait(std::vector<size_t> &done) {
		unsigned count = 1;
		check(port_getn(port_, events_.data(), static_cast<unsigned>(events_.size()), &count, nullptr), "port_getn");
		for (unsigned i = 0; i < count; i++) {
			const auto slot = reinterpret_cast<size_t>(events_[i].portev_user);
			check_read(aio_return(&requests_[slot].cb));
			done.push_back(slot);
		}
	}

protected:
	struct Request {
		struct aiocb cb;
		port_notify_t notify;
	};

	void prepare(size_t slot) {
		Request &request = requests_[slot];
		request.notify = {port_, reinterpret_cast<void *>(slot)};
		request.cb.aio_fildes = fd_;
		request.cb.aio_buf = buffers_.at(slot);
		request.cb.aio_nbytes = BLOCK;
		request.cb.aio_lio_opcode = LIO_READ;
		request.cb.aio_sigevent.sigev_notify = SIGEV_PORT;
		request.cb.aio_sigevent.sigev_value.sival_ptr = &request.notify;
	}

	int fd_;
	int port_;
	Buffers buffers_;
	std::vector<Request> requests_;
	std::vector<port_event_t> events_;
};

class PortListReads : public PortReads {
public:
	using PortReads::PortReads;
	void start(size_t slot, off_t offset) {
		requests_[slot].cb.aio_offset = offset;
		started_.push_back(&requests_[slot].cb);
	}
	void submit() {
		if (started_.empty())
			return;
		check(lio_listio(LIO_NOWAIT, started_.data(), static_cast<int>(started_.size()), nullptr), "lio_listio");
		started_.clear();
	}

private:
	std::vector<struct aiocb *> started_;
};

} // namespace bench
