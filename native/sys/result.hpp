// Result<T>: a value or an errno. No exception crosses a floor of the core.
#pragma once
#include <utility>

namespace evp {

struct Error {
	int code; // an errno, never 0
};

template <class T>
class [[nodiscard]] Result {
public:
	Result(T value) : value_(std::move(value)) {}
	Result(Error error) : code_(error.code) {}
	bool ok() const { return code_ == 0; }
	explicit operator bool() const { return ok(); }
	int error() const { return code_; }
	T& operator*() { return value_; }
	T* operator->() { return &value_; }

private:
	T value_{};
	int code_ = 0;
};

template <>
class [[nodiscard]] Result<void> {
public:
	Result() = default;
	Result(Error error) : code_(error.code) {}
	bool ok() const { return code_ == 0; }
	explicit operator bool() const { return ok(); }
	int error() const { return code_; }

private:
	int code_ = 0;
};

} // namespace evp
