// One line of a trace: put together on the stack, written at once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <port.h>

namespace evp::capi::trace {

// What does not fit is cut short.
class Line {
public:
	explicit Line(const char* name);
	// Arguments.
	Line& port(int number);
	Line& number(const char* name, int64_t value);
	Line& bits(const char* name, int value);
	Line& pointer(const char* name, const void* value);
	Line& source(int kind);
	Line& object(int source, uintptr_t object);
	Line& time(const char* name, const timespec* value);
	// Ends them.
	void result(int64_t value, int error);
	// What else the call gave.
	void given(const char* name, int64_t value);
	void given(const port_event_t& event);
	void write(int fd);

private:
	Line& argument(const char* name);
	Line& text(const char* text);
	Line& decimal(int64_t value);
	Line& hexadecimal(uint64_t value);

	static constexpr size_t ROOM = 500;
	char text_[ROOM + 1];
	size_t length_ = 0;
	bool first_ = true;
};

} // namespace evp::capi::trace
