// shared.hpp - an object in anonymous memory that forked processes share.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

namespace bench {

template <class T> class Shared {
public:
	template <class... Arguments> explicit Shared(Arguments &&...arguments) {
		void *memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (memory == MAP_FAILED)
			throw std::system_error(errno, std::generic_category(), "mmap");
		object_ = new (memory) T(std::forward<Arguments>(arguments)...);
	}

	~Shared() { munmap(object_, sizeof(T)); }

	Shared(const Shared &) = delete;
	Shared &operator=(const Shared &) = delete;

	T *operator->() const { return object_; }
	T &operator*() const { return *object_; }

private:
	T *object_;
};

} // namespace bench
