// port_reactor.hpp - ours as a Reactor: one port_associate per event, or one list per batch.
#pragma once

#include <port.h>
#include <port_linux.h>

#include <array>

#include "fd_pool.hpp"

namespace bench {

// A port for the length of a scope.
class Port {
public:
	Port() : number_(check(port_create(), "port_create")) {}
	~Port() { port_close(number_); }

	Port(const Port &) = delete;
	Port &operator=(const Port &) = delete;

	operator int() const { return number_; }

private:
	int number_;
};

class PortReactor {
public:
	explicit PortReactor(std::span<const int> fds) {
		for (const int fd : fds)
			associate(static_cast<uintptr_t>(fd));
	}

	unsigned step() {
		const unsigned count = retrieve();
		for (unsigned i = 0; i < count; i++) {
			FdPool::drain(static_cast<int>(ready_[i].portev_object));
			associate(ready_[i].portev_object);
		}
		return count;
	}

protected:
	unsigned retrieve() {
		unsigned count = 1;
		check(port_getn(port_, ready_.data(), ready_.size(), &count, nullptr), "port_getn");
		return count;
	}

	void associate(uintptr_t fd) {
		check(port_associate(port_, PORT_SOURCE_FD, fd, POLLIN, nullptr), "port_associate");
	}

	Port port_;
	std::array<port_event_t, 256> ready_;
};

class PortListReactor : PortReactor {
public:
	using PortReactor::PortReactor;

	unsigned step() {
		const unsigned count = retrieve();
		for (unsigned i = 0; i < count; i++) {
			FdPool::drain(static_cast<int>(ready_[i].portev_object));
			again_[i] = {ready_[i].portev_object, nullptr, POLLIN, 0};
		}
		if (check(port_associate_list(port_, again_.data(), count), "port_associate_list") !=
		    static_cast<int>(count))
			throw std::runtime_error("port_associate_list: not all were associated");
		return count;
	}

private:
	std::array<port_assoc_t, 256> again_;
};

} // namespace bench
