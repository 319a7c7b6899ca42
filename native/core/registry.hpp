// Which descriptor numbers of this process are ports, and which are associated.
//
// Lookups take no lock and may run in signal handlers. The table is trusted, not
// verified at each call (hazard 15): an interposed close, dup2 ... keeps it true.
// A number not in the table is resolved once by asking the kernel (a dup, a
// descriptor received over a socket); a number closed behind our back is noticed
// when it is reused for a port, or when the kernel refuses it.
// Fork: a child inherits table and objects as they are.
#pragma once
#include "core/numbers.hpp"
#include "core/port.hpp"

namespace evp {

// Keeps a Port alive for the length of a call.
class PortRef {
public:
	PortRef() = default;
	PortRef(PortRef&& other) noexcept : port_(other.port_), thread_(other.thread_) {
		other.port_ = nullptr;
	}
	PortRef(const PortRef&) = delete;
	~PortRef() {
		if (port_) drop();
	}
	explicit operator bool() const { return port_ != nullptr; }
	sys::Thread& thread() const { return *thread_; }
	Port* operator->() const { return port_; }
	Port& operator*() const { return *port_; }

private:
	friend struct RegistryAccess;
	PortRef(Port* port, sys::Thread* thread) : port_(port), thread_(thread) {}
	void drop() {
		uint32_t depth = thread_->depth.load(std::memory_order_relaxed);
		// A handler over this call forked, and its child has begun anew.
		if (depth-- == 0) [[unlikely]]
			return;
		thread_->in_use[depth].store(nullptr, std::memory_order_release);
		thread_->depth.store(depth, std::memory_order_relaxed);
	}
	Port* port_ = nullptr;
	sys::Thread* thread_ = nullptr;
};

// Protects what `source` points to for the length of a call.
struct RegistryAccess {
	// `frame`: a call of the program's begins, there on the stack.
	static PortRef protect(const std::atomic<Port*>& source, sys::Thread& thread = sys::self(),
	                       const void* frame = nullptr) {
		return PortRef(acquire(source, thread, frame), &thread);
	}

private:
	// Null: there is none, or this thread nests too deep.
	static Port* acquire(const std::atomic<Port*>& source, sys::Thread& thread, const void* frame) {
		uint32_t depth = thread.depth.load(std::memory_order_relaxed);
		if (depth != 0) [[unlikely]] {
			if (frame) depth = sys::end_left_calls(thread, frame);
			if (depth >= sys::Thread::NESTING) return nullptr;
		}
		thread.frames[depth].store(frame, std::memory_order_relaxed);
		// A handler from here on uses the next place.
		thread.depth.store(depth + 1, std::memory_order_relaxed);
		std::atomic_signal_fence(std::memory_order_seq_cst);
		while (Port* port = source.load(std::memory_order_acquire)) {
			thread.in_use[depth].store(port, std::memory_order_release);
			sys::reader_fence();
			if (source.load(std::memory_order_acquire) == port) [[likely]]
				return port;
			thread.in_use[depth].store(nullptr, std::memory_order_release);
		}
		thread.depth.store(depth, std::memory_order_relaxed);
		return nullptr;
	}
};

namespace registry {

// Makes a port and gives its number. EAGAIN (PORT_MAX_PORTS) EMFILE ENOMEM.
Result<int> create(const PortOptions& options);

// A port that another process made, or an earlier image of this one, under a number of
// this process that is open already and stays so: of a port known here one number more.
// EAGAIN EBADMSG EPROTO ENOMEM; the parts are the caller's then.
Result<void> arrive(int number, PortParts& parts, Arrival how);

// The port a number names; *error EBADF or EBADFD (or why this process can't
// become a member) when it names none. `frame` (sys::call_frame) where the program's call begins:
// calls that it has left by siglongjmp end.
inline PortRef find(int number, int* error, const void* frame = nullptr);

// The same for a number that the table knows; nothing is asked of the kernel.
PortRef known(int number);

// Whether the number still names this very port.
inline bool names(int number, const Port* port) {
	Entry entry = entry_of(number);
	return entry && entry.port->load(std::memory_order_acquire) == port;
}

// For what outlives a port and must still find it: the anchor of a port stays
// readable for ever, and hold() answers nothing once the port is going. What it
// answers may be a later port with the same anchor: compare.
const std::atomic<Port*>* anchor(const Port& port);
PortRef hold(const std::atomic<Port*>& anchor);

// The same port under another object's name: a further owner that keeps the
// port after its numbers are closed until release() (an isolate of Node). The
// caller holds it; false: it has lost its last reference and is going.
[[nodiscard]] bool retain(Port& port);
void release(Port& port);

// Closes a number of a port as 2.11 says. EBADF EBADFD.
Result<void> close_number(int number);

// To be called before a descriptor is closed or replaced: ends associations of
// it, and if it is a port, what 2.11 says; the descriptor itself stays open.
// False: it is a descriptor of our own, which the program can't know (EBADF).
bool before_close(int fd);
// Whether before_close() would have anything to do: cheap, and mostly false.
bool concerns(int fd);
// Whether that may be so of numbers that each_known() does not tell.
bool concerns_unknown();
void after_close(int fd); // it is closed now
// Whether this is a child by vfork, which runs in its parent's memory: what it closes is its own business.
bool borrowed_memory();
// Descriptors of our own were closed where no one saw it: their numbers are anybody's.
void lost_internals(const int* fds, int count);
// One of our own is given up: closed if it is whole, else it was closed like that.
void give_up_internal(sys::UniqueFd& fd, bool whole);
// Has before_close() of an associated descriptor tell this too, once, whatever ports there are.
void tell_of_closing(void (*told)(int fd));

// A number names another file now, or the same once more (dup2): one that another process's
// event is about, perhaps.
void number_replaced();

// FD_CLOEXEC of a descriptor was set or cleared. A port is kept over exec, with what is
// behind it, while one of its known numbers is.
void exec_flag_set(int fd);
// A number is another one's duplicate: of a port it is known at once, for the same.
void duplicated(int from, int to);

uint32_t port_count();

namespace detail {
PortRef resolve(int number, int* error); // find() for what the table can't answer
}

inline PortRef find(int number, int* error, const void* frame) {
	if (Entry entry = entry_of(number)) [[likely]] {
		sys::Thread& thread = sys::self();
		if (PortRef port = RegistryAccess::protect(*entry.port, thread, frame)) [[likely]]
			if (port->is_member(thread)) [[likely]]
				return port;
	}
	return detail::resolve(number, error);
}

} // namespace registry
} // namespace evp
