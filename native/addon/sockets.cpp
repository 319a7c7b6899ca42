#include "addon/sockets.hpp"

#include "addon/arguments.hpp"
#include "addon/binding.hpp"
#include "addon/socket_address.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/uio.h>
#include <unistd.h>

namespace evp::addon {
namespace {

constexpr size_t MAX_ARGUMENTS = 4;
constexpr uint32_t MAX_BUFFERS = 64; // of one writev: on the stack, and enough for a full cork

struct Bytes {
	char* data = nullptr;
	size_t length = 0;
};

// The arguments of one call; lib/sockets.ts has checked their types.
class Arguments {
public:
	Arguments(napi_env env, napi_callback_info info) : env_(env) {
		size_t count = MAX_ARGUMENTS;
		napi_get_cb_info(env, info, &count, values_, nullptr, nullptr);
	}

	int32_t number(size_t index) const {
		int32_t value = -1;
		napi_get_value_int32(env_, values_[index], &value);
		return value;
	}

	// A place in a buffer, or a count of its bytes: it may have more than 2^31 of them.
	size_t size(size_t index) const {
		int64_t value = 0;
		napi_get_value_int64(env_, values_[index], &value);
		return static_cast<size_t>(std::max<int64_t>(0, value));
	}

	std::string text(size_t index) const { return text_of(env_, values_[index]); }

	Bytes bytes(size_t index) const { return bytes_of(values_[index]); }

	// The parts of an array of Uint8Arrays, at most MAX_BUFFERS of them.
	int parts(size_t index, iovec* out) const {
		uint32_t count = 0;
		napi_get_array_length(env_, values_[index], &count);
		count = std::min(count, MAX_BUFFERS);
		for (uint32_t i = 0; i < count; i++) {
			napi_value part = nullptr;
			if (napi_get_element(env_, values_[index], i, &part) != napi_ok) return 0;
			Bytes bytes = bytes_of(part);
			out[i] = {bytes.data, bytes.length};
		}
		return static_cast<int>(count);
	}

	napi_value answer(ssize_t value) const {
		napi_value result = nullptr;
		napi_create_double(env_, static_cast<double>(value), &result);
		return result;
	}

	napi_value pair(int first, int second) const {
		napi_value result = nullptr;
		napi_create_array_with_length(env_, 2, &result);
		napi_set_element(env_, result, 0, answer(first));
		napi_set_element(env_, result, 1, answer(second));
		return result;
	}

private:
	Bytes bytes_of(napi_value value) const {
		Bytes bytes;
		void* data = nullptr;
		if (napi_get_buffer_info(env_, value, &data, &bytes.length) != napi_ok) return {};
		bytes.data = static_cast<char*>(data);
		return bytes;
	}

	napi_env env_;
	napi_value values_[MAX_ARGUMENTS];
};

template <class Call>
ssize_t retried(Call call) {
	ssize_t done;
	do done = call();
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : done;
}

// (where, port, backlog, reusePort) -> descriptor
napi_value listen_at(napi_env env, napi_callback_info info) {
	Arguments arguments(env, info);
	Address address;
	int wrong = parse_place(arguments.text(0), arguments.number(1), &address);
	if (wrong != 0) return arguments.answer(-wrong);
	Result<sys::UniqueFd> fd = stream_socket(address.family());
	if (!fd) return arguments.answer(-fd.error());
	int on = 1;
	setsockopt(fd->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (arguments.number(3) == 1 &&
	    setsockopt(fd->get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) {
		return arguments.answer(-errno);
	}
	if (bind(fd->get(), address.get(), address.length) < 0 ||
	    listen(fd->get(), arguments.number(2)) < 0) {
		return arguments.answer(-errno);
	}
	return arguments.answer(fd->release());
}

// (where, port) -> descriptor; the connection is under way
napi_value connect_to(napi_env env, napi_callback_info info) {
	Arguments arguments(env, info);
	Address address;
	int wrong = parse_place(arguments.text(0), arguments.number(1), &address);
	if (wrong != 0) return arguments.answer(-wrong);
	Result<sys::UniqueFd> fd = stream_socket(address.family());
	if (!fd) return arguments.answer(-fd.error());
	// After EINTR the connection goes on by itself, as after EINPROGRESS.
	if (connect(fd->get(), address.get(), address.length) < 0 && errno != EINPROGRESS &&
	    errno != EINTR) {
		return arguments.answer(-errno);
	}
	return arguments.answer(fd->release());
}

// (fd) -> 0 or the error that a connection met
napi_value connect_result(napi_env env, napi_callback_info info) {
	Arguments arguments(env, info);
	int error = 0;
	socklen_t length = sizeof error;
	if (getsockopt(arguments.number(0), SOL_SOCKET, SO_ERROR, &error, &length) < 0) error = errno;
	return arguments.answer(-error);
}

// (listener) -> descriptor
napi_value accept_from(napi_env env, napi_callback_info info) {
	Arguments arguments(env, info);
	int listener = arguments.number(0);
	return arguments.answer(
	    retried([=] { return accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); }));
}

// (fd, peer) -> [family, host or path, port] or a negative errno
napi_value address_of(napi_env env, napi_callback_info info) {
	Arguments arguments(env, info);
	Address address;
	auto* ask = arguments.number(1) == 1 ? getpeername : getsockname;
	if (ask(arguments.number(0), address.get(), &address.length) < 0) return arguments.answer(-errno);
	AddressText text = describe(address);
	napi_value result = nullptr;
	napi_value host = nullptr;
	napi_create_array_with_length(env, 3, &result);
	napi_create_string_utf8(env, text.host.data(), text.host.size(), &host);
	napi_set_element(env, result, 0, arguments.answer(text.family));
	napi_set_element(env, result, 1, host);
	napi_set_element(env, result, 2, arguments.answer(text.port));
	return result;
}

// () -> [reader, writer] or a negative errno
napi_value make_pipe(napi_env env, napi_callback_info info) {
	Arguments arguments(env, info);
	int ends[2];
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) return arguments.answer(-errno);
	return arguments.pair(ends[0], ends[1]);
}

// () -> [a, b] or a negative errno
napi_value make_pair(napi_env env, napi_callback_info info) {
	Arguments arguments(env, info);
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0) {
		return arguments.answer(-errno);
	}
	return arguments.pair(ends[0], ends[1]);
}

// (fd, bytes) -> count
napi_value read_from(napi_env env, napi_callback_info info) {
	Arguments arguments(env, info);
	int fd = arguments.number(0);
	Bytes into = arguments.bytes(1);
	return arguments.answer(retried([&] { return read(fd, into.data, into.length); }));
}

// (fd, bytes, offset, length) -> count
napi_value write_to(napi_env env, napi_callback_info info) {
	Arguments arguments(env, info);
	int fd = arguments.number(0);
	Bytes from = arguments.bytes(1);
	size_t offset = std::min(from.length, arguments.size(2));
	size_t length = std::min(from.length - offset, arguments.size(3));
	const char* start = from.data + offset;
	ssize_t sent = retried([&] { return send(fd, start, length, MSG_NOSIGNAL); });
	if (sent == -ENOTSOCK) sent = retried([&] { return write(fd, start, length); });
	return arguments.answer(sent);
}

// (fd, [bytes ...]) -> count
napi_value write_list(napi_env env, napi_callback_info info) {
	Arguments arguments(env, info);
	int fd = arguments.number(0);
	iovec parts[MAX_BUFFERS];
	msghdr message{};
	message.msg_iov = parts;
	message.msg_iovlen = static_cast<size_t>(arguments.parts(1, parts));
	ssize_t sent = retried([&] { return sendmsg(fd, &message, MSG_NOSIGNAL); });
	if (sent == -ENOTSOCK) {
		int count = static_cast<int>(message.msg_iovlen);
		sent = retried([&] { return writev(fd, parts, count); });
	}
	return arguments.answer(sent);
}

// (fd, SHUT_*) -> 0
napi_value shut_down(napi_env env, napi_callback_info info) {
	Arguments arguments(env, info);
	return arguments.answer(shutdown(arguments.number(0), arguments.number(1)) < 0 ? -errno : 0);
}

// (fd, on) -> 0
napi_value set_no_delay(napi_env env, napi_callback_info info) {
	Arguments arguments(env, info);
	int on = arguments.number(1);
	int done = setsockopt(arguments.number(0), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return arguments.answer(done < 0 ? -errno : 0);
}

// (fd) -> 0; its associations end first (4.13), for close(2) isn't interposed here
napi_value close_fd(napi_env env, napi_callback_info info) {
	Arguments arguments(env, info);
	return arguments.answer(-close_number(arguments.number(0)));
}

} // namespace

// Plain Node-API callbacks: node-addon-api's wrappers cost as much as a short system call.
void register_sockets(Napi::Env env, Napi::Object exports) {
	const struct {
		const char* name;
		napi_callback call;
	} calls[] = {
	    {"socketListen", listen_at},     {"socketAccept", accept_from},
	    {"socketConnect", connect_to},   {"socketConnectResult", connect_result},
	    {"socketAddress", address_of},   {"socketPipe", make_pipe},
	    {"socketPair", make_pair},       {"socketRead", read_from},
	    {"socketWrite", write_to},       {"socketWriteList", write_list},
	    {"socketShutdown", shut_down},   {"socketSetNoDelay", set_no_delay},
	    {"socketClose", close_fd},
	};
	for (const auto& [name, call] : calls) {
		napi_value function = nullptr;
		napi_create_function(env, name, NAPI_AUTO_LENGTH, call, nullptr, &function);
		napi_set_named_property(env, exports, name, function);
	}
}

} // namespace evp::addon
