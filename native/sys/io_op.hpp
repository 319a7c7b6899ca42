// What can be asked of a descriptor asynchronously, by either engine (sources/aio_engine.hpp).
#pragma once
#include <cstdint>

namespace evp::sys {

enum class IoOp : uint8_t {
	READ,  // address, length; offset, which streams ignore
	WRITE,
	READV, // address is an array of iovec, length its count
	WRITEV,
	FSYNC,
	FDATASYNC,
	ACCEPT,  // offset: flags of accept4(2); the result is a descriptor
	CONNECT, // address is a sockaddr of `length` bytes
	RECV,    // offset: flags of recv(2)
	SEND,
};

struct Io {
	IoOp op = IoOp::READ;
	int fd = -1;
	void* address = nullptr;
	uint64_t length = 0;
	uint64_t offset = 0;
};

// What one call of read(2) and its like moves at most.
inline constexpr uint64_t IO_MOST = 0x7ffff000;

} // namespace evp::sys
