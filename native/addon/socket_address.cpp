#include "addon/socket_address.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace evp::addon {

int parse_inet(const std::string& host, int port, Address* out) {
	addrinfo hints{};
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	hints.ai_socktype = SOCK_STREAM;
	addrinfo* found = nullptr;
	if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return EINVAL;
	memcpy(&out->storage, found->ai_addr, found->ai_addrlen);
	out->length = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

int parse_unix(const std::string& path, Address* out) {
	auto* address = reinterpret_cast<sockaddr_un*>(&out->storage);
	if (path.size() >= sizeof address->sun_path) return ENAMETOOLONG;
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path.data(), path.size());
	// An abstract name is counted, a path ends in a NUL.
	bool abstract = !path.empty() && path[0] == '\0';
	out->length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + !abstract);
	return 0;
}

int parse_place(const std::string& where, int port, Address* out) {
	return port < 0 ? parse_unix(where, out) : parse_inet(where, port, out);
}

Result<sys::UniqueFd> stream_socket(int family) {
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) return Error{errno};
	return sys::UniqueFd(fd);
}

AddressText describe(const Address& address) {
	char text[INET6_ADDRSTRLEN] = "";
	if (address.family() == AF_INET) {
		const auto& inet = reinterpret_cast<const sockaddr_in&>(address.storage);
		inet_ntop(AF_INET, &inet.sin_addr, text, sizeof text);
		return {4, text, ntohs(inet.sin_port)};
	}
	if (address.family() == AF_INET6) {
		const auto& inet = reinterpret_cast<const sockaddr_in6&>(address.storage);
		inet_ntop(AF_INET6, &inet.sin6_addr, text, sizeof text);
		return {6, text, ntohs(inet.sin6_port)};
	}
	const auto& path = reinterpret_cast<const sockaddr_un&>(address.storage);
	size_t start = offsetof(sockaddr_un, sun_path);
	if (address.family() != AF_UNIX || address.length <= start) return {0, "", 0};
	size_t length = address.length - start;
	if (path.sun_path[0] != '\0') length = strnlen(path.sun_path, length);
	return {0, std::string(path.sun_path, length), 0};
}

} // namespace evp::addon
