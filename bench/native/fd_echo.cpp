// fd_echo - ECHO in C: a server answers 64 bytes with the same, over TCP; CPU of its one thread per
// request on the port, against raw epoll with EPOLLONESHOT.
//
// A client in a thread of its own keeps one request under way on every connection.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <thread>

#include "clocks.hpp"
#include "peers/epoll.hpp"
#include "port_reactor.hpp"

using namespace bench;

namespace {

constexpr size_t request_bytes = 64;

void send_all(int fd, const char *bytes) {
	if (check(send(fd, bytes, request_bytes, MSG_NOSIGNAL), "send") != request_bytes)
		throw std::runtime_error("send: not all fitted");
}

// Small enough to come whole.
void receive_all(int fd, char *bytes) {
	if (check(recv(fd, bytes, request_bytes, 0), "recv") != request_bytes)
		throw std::runtime_error("recv: not a whole request");
}

void answer(int fd) {
	char request[request_bytes];
	receive_all(fd, request);
	send_all(fd, request);
}

// TCP connections over the loopback interface.
class Connections {
public:
	explicit Connections(size_t count) {
		const int listener = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
		sockaddr_in address{};
		address.sin_family = AF_INET;
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		auto *name = reinterpret_cast<sockaddr *>(&address);
		socklen_t length = sizeof address;
		check(bind(listener, name, length), "bind");
		check(listen(listener, SOMAXCONN), "listen");
		check(getsockname(listener, name, &length), "getsockname");
		for (size_t i = 0; i < count; i++) {
			clients.push_back(check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
			check(connect(clients.back(), name, length), "connect");
			servers.push_back(check(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept4"));
		}
		close(listener);
	}

	~Connections() {
		for (const auto *fds : {&clients, &servers})
			for (const int fd : *fds)
				close(fd);
	}

	Connections(const Connections &) = delete;
	Connections &operator=(const Connections &) = delete;

	std::vector<int> clients, servers;
};

class PortServer {
public:
	explicit PortServer(std::span<const int> fds) {
		for (const int fd : fds)
			associate(static_cast<uintptr_t>(fd));
	}

	unsigned step(auto handle) {
		std::array<port_event_t, 64> ready;
		unsigned count = 1;
		check(port_getn(port_, ready.data(), ready.size(), &count, nullptr), "port_getn");
		for (unsigned i = 0; i < count; i++) {
			handle(static_cast<int>(ready[i].portev_object));
			associate(ready[i].portev_object);
		}
		return count;
	}

private:
	void associate(uintptr_t fd) {
		check(port_associate(port_, PORT_SOURCE_FD, fd, POLLIN, nullptr), "port_associate");
	}

	Port port_;
};

template <class Server> Figures serve(size_t connections, size_t requests) {
	const Connections tcp(connections);
	std::jthread client([&] {
		char bytes[request_bytes] = "hello";
		EpollLevel replies(tcp.clients);
		size_t sent = 0;
		for (const int fd : tcp.clients) {
			send_all(fd, bytes);
			sent++;
		}
		for (size_t done = 0; done < requests;)
			done += replies.step([&](int fd) {
				receive_all(fd, bytes);
				if (sent++ < requests)
					send_all(fd, bytes);
			});
	});
	Server server(tcp.servers);
	const uint64_t before = thread_cpu_ns();
	for (size_t done = 0; done < requests;)
		done += server.step(answer);
	return {{"cpu_ns", static_cast<double>(thread_cpu_ns() - before) / static_cast<double>(requests)}};
}

} // namespace

int main(int argc, char **argv) {
	Race race("fd_echo", argc, argv);
	const size_t requests = race.quick() ? 20'480 : 204'800;
	for (const size_t connections : {64u, 512u}) {
		const std::string where = "connections=" + std::to_string(connections);
		race.add(where, "epoll", [=] { return serve<EpollOneshot>(connections, requests); });
		race.add(where, "port", [=] { return serve<PortServer>(connections, requests); });
	}
	return race.run();
}
