// Numeric addresses to and from the kernel's shape. No name is looked up here: that blocks.
#pragma once
#include "sys/fd.hpp"

#include <string>
#include <sys/socket.h>

namespace evp::addon {

struct Address {
	sockaddr_storage storage{};
	socklen_t length = sizeof(sockaddr_storage);
	sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
	int family() const { return storage.ss_family; }
};

struct AddressText {
	int family; // 4, 6, or 0: a path (empty: unnamed)
	std::string host;
	int port;
};

// host: an IPv4 or IPv6 address (a zone may follow as %eth0); port: 0 ... 65535. 0 or EINVAL.
int parse_inet(const std::string& host, int port, Address* out);
// path: of a unix socket; a leading NUL is the abstract namespace. 0 or ENAMETOOLONG.
int parse_unix(const std::string& path, Address* out);
// Either; what lib/sockets.ts calls a place: a path when the port is negative.
int parse_place(const std::string& where, int port, Address* out);
AddressText describe(const Address& address);


// Non-blocking and close-on-exec, as all sockets made here.
Result<sys::UniqueFd> stream_socket(int family);

} // namespace evp::addon
